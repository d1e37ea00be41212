"""How many requests run at once, and what they have cost the server.

Latencies and refusals in, room for requests out: one more while responses stay as fast, half as
many after 429, 503 or a time-out. `session` sends every request through the gate.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

__all__ = ["CollectionPoliteness", "Counters", "Gate", "Politeness", "Topic"]

#: The workspace and collection of a request; None: the server itself.
Topic: TypeAlias = tuple[str, str] | None

FLAT: Final = 1.5  # responses count as equally fast up to this multiple of the usual latency
SMOOTHING: Final = 0.1  # weight of the newest latency in the usual one
KEPT_LATENCIES: Final = 2_000  # the newest, for each collection


class Gate:
    """Additive increase, multiplicative decrease, between 1 and `bound`."""

    def __init__(self, bound: int) -> None:
        self._bound = max(1, bound)
        self._allowed = min(2, self._bound)
        self._running = 0
        self._since_change = 0
        self._epoch = 0
        self._usual_s: float | None = None
        self._recent: deque[float] = deque(maxlen=5)
        self._condition = threading.Condition()

    @property
    def allowed(self) -> int:
        """How many requests may run now."""
        return self._allowed

    @contextmanager
    def enter(self) -> Iterator[int]:
        """Wait for room; gives the epoch that `slow_down` needs."""
        with self._condition:
            self._condition.wait_for(lambda: self._running < self._allowed)
            self._running += 1
            epoch = self._epoch
        try:
            yield epoch
        finally:
            with self._condition:
                self._running -= 1
                self._condition.notify_all()

    def record(self, latency_s: float) -> None:
        """Record the latency of a response, and allow one more request while it is flat."""
        with self._condition:
            usual = latency_s if self._usual_s is None else self._usual_s
            self._recent.append(latency_s)
            is_flat = sorted(self._recent)[len(self._recent) // 2] <= FLAT * usual
            self._usual_s = usual + SMOOTHING * (latency_s - usual)
            self._since_change += 1
            if self._since_change >= self._allowed and is_flat and self._allowed < self._bound:
                self._allowed += 1
                self._since_change = 0
                self._condition.notify_all()

    def slow_down(self, epoch: int) -> None:
        """Halve the room; a request that started before the last halving does not halve again."""
        with self._condition:
            if epoch != self._epoch:
                return
            self._epoch += 1
            self._allowed = max(1, self._allowed // 2)
            self._since_change = 0


@dataclass(frozen=True)
class CollectionPoliteness:
    """What requests to one collection have cost; `wait_s`: waits for retries and for the pace.

    `p95_ms` is the 95th percentile of the server's latency.
    """

    workspace: str
    collection: str
    requests: int
    bytes_received: int
    wait_s: float
    retries: int
    status_429: int
    p95_ms: float


@dataclass(frozen=True)
class Politeness:
    """What the requests so far have cost the server, in total and by collection."""

    requests: int
    bytes_received: int
    wait_s: float
    retries: int
    status_429: int
    p95_ms: float
    collections: tuple[CollectionPoliteness, ...] = ()


@dataclass
class _Tally:
    """The counts of one topic."""

    requests: int = 0
    bytes: int = 0
    wait_s: float = 0.0
    retries: int = 0
    status_429: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_LATENCIES))

    def p95_ms(self) -> float:
        """The 95th percentile of the newest latencies."""
        ordered = sorted(self.latencies)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] if ordered else 0.0
        return round(p95 * 1000, 1)


class Counters:
    """The counts behind Politeness; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all = _Tally()
        self._topics: dict[Topic, _Tally] = {}

    @property
    def requests(self) -> int:
        """The requests so far."""
        return self._all.requests

    def response(self, topic: Topic, status: int, wire_bytes: int, elapsed_s: float) -> None:
        """Count one response."""
        with self._lock:
            for tally in self._tallies(topic):
                tally.requests += 1
                tally.bytes += wire_bytes
                tally.status_429 += status == 429
                tally.latencies.append(elapsed_s)

    def failure(self, topic: Topic) -> None:
        """Count one request without a response."""
        with self._lock:
            for tally in self._tallies(topic):
                tally.requests += 1

    def retry(self, topic: Topic, wait_s: float) -> None:
        """Count one retry and the wait before it."""
        with self._lock:
            for tally in self._tallies(topic):
                tally.retries += 1
                tally.wait_s += wait_s

    def waited(self, topic: Topic, wait_s: float) -> None:
        """Count a wait for the pace."""
        with self._lock:
            for tally in self._tallies(topic):
                tally.wait_s += wait_s

    def snapshot(self) -> Politeness:
        """The counts now."""
        with self._lock:
            topics = sorted(topic for topic in self._topics if topic is not None)
            return Politeness(
                **_counts(self._all),
                collections=tuple(
                    CollectionPoliteness(
                        workspace=topic[0], collection=topic[1], **_counts(self._topics[topic])
                    )
                    for topic in topics
                ),
            )

    def _tallies(self, topic: Topic) -> tuple[_Tally, _Tally]:
        return self._all, self._topics.setdefault(topic, _Tally())


def _counts(tally: _Tally) -> dict[str, Any]:
    return {
        "requests": tally.requests,
        "bytes_received": tally.bytes,
        "wait_s": round(tally.wait_s, 3),
        "retries": tally.retries,
        "status_429": tally.status_429,
        "p95_ms": tally.p95_ms(),
    }
