"""What a site allows an extract: the pace, a number of requests, no work in quiet hours."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from octane_flows.client import Limits, Octane
from octane_flows.client.concurrency import CollectionPoliteness
from octane_flows.client.session import Timing
from octane_flows.client.transport import HttpTransport
from octane_flows.config import QuietHours, Secret, Settings, Token
from octane_flows.config.quiet_hours import Span
from octane_flows.errors import PausedError

EVENING = datetime(2021, 1, 20, 21, 0, 0, tzinfo=UTC)
EMPTY = {"total_count": 0, "data": [], "exceeds_total_count": False}
SETTINGS = Settings("https://octane.example", "1001", None, Token(Secret("canary")))
AT_NIGHT = QuietHours(
    "22:00-06:00",
    ZoneInfo("UTC"),
    (Span(frozenset(range(7)), EVENING.time().replace(hour=22), timedelta(hours=8)),),
)


class Clock:
    """Moves by each sleep, and by a second for each response."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def timing(self) -> Timing:
        return Timing(
            self.sleep,
            lambda: self.passed,
            lambda: 1.0,
            lambda: EVENING + timedelta(seconds=self.passed),
        )


def opened(
    clock: Clock, limits: Limits, respond: Callable[[httpx.Request], httpx.Response]
) -> Octane:
    transport = HttpTransport(SETTINGS, mount=httpx.MockTransport(respond))
    return Octane(SETTINGS, transport=transport, limits=limits, timing=clock.timing())


def empty(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=EMPTY)


def test_requests_keep_the_pace_and_the_wait_is_counted() -> None:
    clock = Clock()
    with opened(clock, Limits(requests_per_second=4), empty) as octane:
        for _ in range(5):
            octane.workspace("1002").page("defects", fields=["id"])
        politeness = octane.politeness

    assert clock.passed == 1.0
    assert politeness.wait_s == 1.0


def test_threads_share_one_pace() -> None:
    clock = Clock()
    limits = Limits(requests_per_second=10)
    with ThreadPoolExecutor(4) as pool:
        waits = sorted(
            pool.map(lambda _: limits.reserve(Timing(lambda _: None, lambda: 0.0)), range(8))
        )

    assert waits == pytest.approx([place / 10 for place in range(8)])
    assert clock.slept == []


def test_a_place_is_reserved_when_the_request_can_be_sent() -> None:
    """Places taken by threads that then wait for slow answers would be used all at once."""
    order: list[str] = []

    class RecordedLimits(Limits):
        def reserve(self, clock: object) -> float:
            order.append("reserved")
            return 0.0

    def respond(request: httpx.Request) -> httpx.Response:
        time.sleep(0.01)
        order.append("sent")
        return empty(request)

    settings = dataclasses.replace(SETTINGS, concurrency=1)
    transport = HttpTransport(settings, mount=httpx.MockTransport(respond))
    with (
        Octane(settings, transport=transport, limits=RecordedLimits()) as octane,
        ThreadPoolExecutor(4) as pool,
    ):
        workspace = octane.workspace("1002")
        list(pool.map(lambda _: workspace.page("defects", fields=["id"]), range(4)))

    assert order == ["reserved", "sent"] * 4


def test_a_run_stops_when_its_requests_are_used_up() -> None:
    seen = []

    def count(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return empty(request)

    with opened(Clock(), Limits(max_requests=3), count) as octane:
        workspace = octane.workspace("1002")
        for _ in range(3):
            workspace.page("defects", fields=["id"])
        with pytest.raises(PausedError, match="3 requests that OCTANE_MAX_REQUESTS allows"):
            workspace.page("defects", fields=["id"])

    assert len(seen) == 3


def test_repetitions_count_as_requests() -> None:
    with (
        opened(Clock(), Limits(max_requests=2), lambda _: httpx.Response(503)) as octane,
        pytest.raises(PausedError),
    ):
        octane.workspace("1002").page("defects", fields=["id"])


def test_an_extract_does_not_start_in_quiet_hours() -> None:
    clock = Clock()
    clock.passed = 3 * 3600
    with (
        opened(clock, Limits(quiet_hours=AT_NIGHT), empty) as octane,
        pytest.raises(PausedError, match=r"does not start; run it again after Thursday 06:00\."),
    ):
        octane.version()


def test_an_extract_stops_when_quiet_hours_begin_even_while_it_waits_to_repeat() -> None:
    clock = Clock()
    busy = httpx.Response(429, headers={"Retry-After": "60"})
    answers = iter([httpx.Response(200, json=EMPTY), busy])

    def respond(_: httpx.Request) -> httpx.Response:
        return next(answers)

    with opened(clock, Limits(quiet_hours=AT_NIGHT), respond) as octane:
        octane.workspace("1002").page("defects", fields=["id"])
        clock.passed = 3590
        with pytest.raises(PausedError, match="stops here; run it again after Thursday 06:00"):
            octane.workspace("1002").page("defects", fields=["id"])


def test_what_was_asked_is_told_by_collection() -> None:
    answers = iter(
        [
            httpx.Response(200, json=EMPTY),
            httpx.Response(429, headers={"Retry-After": "7"}),
            httpx.Response(200, json=EMPTY),
            httpx.Response(200, json={"version": "25.1.4"}),
        ]
    )
    with opened(Clock(), Limits(), lambda _: next(answers)) as octane:
        octane.workspace("1002").page("defects", fields=["id"])
        octane.workspace("1003").page("runs", fields=["id"])
        octane.version()
        politeness = octane.politeness

    size = len(httpx.Response(200, json=EMPTY).content)
    by_name = {(row.workspace, row.collection): row for row in politeness.collections}
    defects, runs = by_name["1002", "defects"], by_name["1003", "runs"]
    assert defects == CollectionPoliteness("1002", "defects", 1, size, 0.0, 0, 0, defects.p95_ms)
    assert runs == CollectionPoliteness("1003", "runs", 2, size, 7.5, 1, 1, runs.p95_ms)
    assert len(by_name) == 2
    assert politeness.requests == 4
