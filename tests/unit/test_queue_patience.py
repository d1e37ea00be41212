"""Waiting for a place in the server's queue of test results: how often, how long, what is told."""

from __future__ import annotations

import pytest

from octane_flows.actions.send_results import QueuePatience
from octane_flows.client.response import error_of
from octane_flows.client.retry import RetryPolicy
from octane_flows.client.transport import Response
from octane_flows.errors import QueueFullError, RequestError
from tests.unit.test_client_core import NOW

FULL = b'{"error_code": "testbox_queue_full", "description": "The queue of test results is full"}'


class Clock:
    """A clock that only sleeping and sending move; it notes the sleeps."""

    def __init__(self) -> None:
        self.now, self.sleeps, self.notices = 0.0, list[float](), 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)

    def notice(self) -> None:
        self.notices += 1

    def patience(self, bound_s: float) -> QueuePatience:
        return QueuePatience(
            bound_s, on_wait=self.notice, sleep=self.sleep, monotonic=lambda: self.now
        )


class Queue:
    """A queue that is full for a number of attempts, each of which takes a while."""

    def __init__(self, clock: Clock, refusals: int, seconds: float = 0.0) -> None:
        self.clock, self.refusals, self.seconds, self.attempts = clock, refusals, seconds, 0

    def send(self) -> str:
        self.attempts += 1
        self.clock.now += self.seconds
        if self.attempts <= self.refusals:
            raise QueueFullError("full")
        return f"task {self.attempts}"


def test_the_same_is_sent_every_ten_seconds_until_there_is_a_place() -> None:
    clock = Clock()

    assert clock.patience(600).post(Queue(clock, refusals=3).send) == "task 4"

    assert clock.sleeps == [10.0, 10.0, 10.0]
    assert clock.notices == 1


def test_a_free_queue_waits_for_nothing() -> None:
    clock = Clock()

    assert clock.patience(0).post(Queue(clock, refusals=0).send) == "task 1"

    assert (clock.sleeps, clock.notices) == ([], 0)


@pytest.mark.parametrize(
    ("bound_s", "request_s", "sleeps"),
    [
        (25, 0, [10, 10, 5]),  # the last attempt is at the bound itself
        (20, 0, [10, 10]),
        (25, 5, [10, 10]),  # requests count as well
        (0, 0, []),
    ],
)
def test_waiting_ends_at_the_bound(bound_s: float, request_s: float, sleeps: list[float]) -> None:
    clock = Clock()
    queue = Queue(clock, refusals=1000, seconds=request_s)

    with pytest.raises(QueueFullError):
        clock.patience(bound_s).post(queue.send)

    assert clock.sleeps == sleeps
    assert queue.attempts == len(sleeps) + 1


def test_all_documents_of_a_report_share_the_bound_and_the_notice() -> None:
    clock = Clock()
    patience = clock.patience(30)
    patience.post(Queue(clock, refusals=2).send)
    clock.now += 1000  # the time between two documents is not waited for a place

    with pytest.raises(QueueFullError):
        patience.post(Queue(clock, refusals=2).send)

    assert clock.sleeps == [10.0, 10.0, 10.0]
    assert clock.notices == 1


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_a_full_queue_is_recognised_by_its_code_and_not_repeated_below(status: int) -> None:
    response = Response(status, (("content-type", "application/json"),), FULL)
    error = error_of(response, "posting test results")
    wait = RetryPolicy().wait_s(
        response, is_harmless=False, attempt=1, spent_s=0, random=lambda: 0.5, now=NOW
    )

    assert isinstance(error, QueueFullError)
    assert wait is None


def test_other_refusals_of_results_are_not_taken_for_a_full_queue() -> None:
    body = b'{"error_code": "testbox.invalid_xml", "description": "no build"}'

    error = error_of(Response(400, (), body), "posting test results")

    assert isinstance(error, RequestError)
    assert not isinstance(error, QueueFullError)
