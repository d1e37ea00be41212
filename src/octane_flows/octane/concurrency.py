"""How many requests are under way at once, and what the work has cost the server.

Latencies and refusals in, room for one more request out: one more while answers keep coming as
fast, half as many on 429, 503 or a time-out. `session` passes every request through the gate.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

__all__ = ["Counters", "Gate", "Politeness"]

FLAT: Final = 1.5  # answers count as equally fast up to this multiple of the usual latency
SMOOTHING: Final = 0.1  # weight of the newest latency in the usual one
KEPT_LATENCIES: Final = 10_000


class Gate:
    """Additive increase, multiplicative decrease, between 1 and `bound`."""

    def __init__(self, bound: int) -> None:
        self._bound = max(1, bound)
        self._allowed = min(2, self._bound)
        self._under_way = 0
        self._since_change = 0
        self._epoch = 0
        self._usual_s: float | None = None
        self._recent: deque[float] = deque(maxlen=5)
        self._condition = threading.Condition()

    @property
    def allowed(self) -> int:
        """How many requests may be under way now."""
        return self._allowed

    @contextmanager
    def enter(self) -> Iterator[int]:
        """Wait for room; gives a mark for `slow_down`."""
        with self._condition:
            self._condition.wait_for(lambda: self._under_way < self._allowed)
            self._under_way += 1
            epoch = self._epoch
        try:
            yield epoch
        finally:
            with self._condition:
                self._under_way -= 1
                self._condition.notify_all()

    def answered(self, latency_s: float) -> None:
        """Take note of a good answer."""
        with self._condition:
            usual = latency_s if self._usual_s is None else self._usual_s
            self._recent.append(latency_s)
            flat = sorted(self._recent)[len(self._recent) // 2] <= FLAT * usual
            self._usual_s = usual + SMOOTHING * (latency_s - usual)
            self._since_change += 1
            if self._since_change >= self._allowed and flat and self._allowed < self._bound:
                self._allowed += 1
                self._since_change = 0
                self._condition.notify_all()

    def slow_down(self, epoch: int) -> None:
        """Halve; requests that started before the last halving do not halve once more."""
        with self._condition:
            if epoch != self._epoch:
                return
            self._epoch += 1
            self._allowed = max(1, self._allowed // 2)
            self._since_change = 0


@dataclass(frozen=True)
class Politeness:
    """What was asked of the server so far; `p95_ms` is the 95th percentile of its latency."""

    requests: int
    bytes_received: int
    wait_s: float
    retries: int
    status_429: int
    p95_ms: float


class Counters:
    """The running figures behind Politeness; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self._bytes = 0
        self._wait_s = 0.0
        self._retries = 0
        self._status_429 = 0
        self._latencies: deque[float] = deque(maxlen=KEPT_LATENCIES)

    def answer(self, status: int, wire_bytes: int, elapsed_s: float) -> None:
        """Count one answer."""
        with self._lock:
            self.requests += 1
            self._bytes += wire_bytes
            self._status_429 += status == 429
            self._latencies.append(elapsed_s)

    def failure(self) -> None:
        """Count one request without an answer."""
        with self._lock:
            self.requests += 1

    def retry(self, wait_s: float) -> None:
        """Count one repetition."""
        with self._lock:
            self._retries += 1
            self._wait_s += wait_s

    def snapshot(self) -> Politeness:
        """The figures now."""
        with self._lock:
            ordered = sorted(self._latencies)
            p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] if ordered else 0.0
            return Politeness(
                self.requests,
                self._bytes,
                round(self._wait_s, 3),
                self._retries,
                self._status_429,
                round(p95 * 1000, 1),
            )
