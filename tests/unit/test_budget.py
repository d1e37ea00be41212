"""One request budget for many processes: a pace and a number of requests a day, kept in Redis."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("redis", reason="needs the extra distributed")

from octane_flows.client import Limits
from octane_flows.client.request_limits import SharedBudget
from octane_flows.client.session import Timing
from octane_flows.config import BudgetPlace, Secret, Settings, Token, load_settings
from octane_flows.errors import PausedError, UnavailableError, UsageError
from octane_simulator import Simulator, serve
from tests.services import free_port, redis_server

PROCESSES = 3
PER_SECOND = 60
EACH = 40
#: A process that sends requests as fast as the limits allow.
WORKER = f"""
import os
from octane_flows.config import load_settings
from octane_flows.client import Limits, Octane
settings = load_settings(os.environ)
with Octane(settings, limits=Limits.of_extract(settings)) as octane:
    for _ in range({EACH}):
        octane.workspace("1002").page("releases", fields=["id"], limit=1)
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


def budget(address: str, key: str, **choices: Any) -> SharedBudget:
    return SharedBudget(BudgetPlace(Secret(address), "redis"), key, **choices)


def environment(**others: str) -> dict[str, str]:
    return {
        "OCTANE_URL": "https://octane.example",
        "OCTANE_TOKEN": "canary",
        "OCTANE_SHARED_SPACE": "1001",
        **others,
    }


def test_many_processes_together_never_exceed_the_pace(redis: str, tmp_path: Path) -> None:
    arrivals: list[float] = []
    simulator = Simulator(seed=1)
    answer, lock = simulator.wsgi, threading.Lock()

    def counting(environ: Any, start_response: Any) -> Any:
        with lock:
            arrivals.append(time.monotonic())
        return answer(environ, start_response)

    simulator.wsgi = counting  # type: ignore[assignment]
    with serve(simulator) as running:
        settings = environment(
            OCTANE_URL=running.url,
            OCTANE_CLIENT_ID=running.client_id,
            OCTANE_CLIENT_SECRET=running.client_secret,
            OCTANE_SHARED_SPACE=running.shared_space,
            OCTANE_REQUESTS_PER_SECOND=str(PER_SECOND),
            OCTANE_BUDGET=f"{redis}/0",
            PYTHONPATH=":".join(sys.path),
        )
        settings.pop("OCTANE_TOKEN")
        command = [sys.executable, "-c", WORKER]
        workers = [subprocess.Popen(command, env=settings, cwd=tmp_path) for _ in range(PROCESSES)]
        assert [worker.wait() for worker in workers] == [0] * PROCESSES

    signed_in = PROCESSES
    assert len(arrivals) == PROCESSES * EACH + signed_in
    # a request may arrive late, and then the next one seems early: by less than a tenth of a second
    for start in range(len(arrivals) - PER_SECOND // 2):
        passed = arrivals[start + PER_SECOND // 2] - arrivals[start]
        assert passed > 0.5 - 0.1, f"31 requests in {passed:.2f} s"
    assert arrivals[-1] - arrivals[0] > (len(arrivals) - 1) / PER_SECOND - 0.1


def test_places_follow_one_another_whoever_asks(redis: str) -> None:
    first, second = (budget(redis, "places", requests_per_second=0.01) for _ in range(2))
    waits = [first.reserve(), second.reserve(), first.reserve()]

    assert waits[0] == 0
    assert [round(wait / 100) for wait in waits] == [0, 1, 2]
    assert budget(redis, "another server", requests_per_second=0.01).reserve() == 0


def test_the_requests_of_a_day_are_counted_over_all(redis: str) -> None:
    first, second = (budget(redis, "day", per_day=3) for _ in range(2))
    for budget_of_process in (first, second, first):
        budget_of_process.reserve()
    with pytest.raises(PausedError, match="The 3 requests that OCTANE_MAX_REQUESTS_PER_DAY allows"):
        second.reserve()
    assert budget(redis, "day").reserve() == 0  # a person's own command keeps the pace alone


def test_the_limits_wait_for_the_shared_place(redis: str) -> None:
    slept: list[float] = []
    limits = Limits(
        requests_per_second=1000, budget=budget(redis, "limits", requests_per_second=0.1)
    )
    timing = Timing(sleep=slept.append)
    waits = [limits.reserve(timing) for _ in range(2)]

    assert slept == [waits[1]]
    assert 9 < waits[1] <= 10


def test_without_the_database_no_request_is_sent() -> None:
    address = f"redis://:canary@127.0.0.1:{free_port()}/0"
    with pytest.raises(UnavailableError, match="without it no request is sent") as raised:
        budget(address, "gone").reserve()
    assert "canary" not in str(raised.value)


def test_settings_name_the_budget() -> None:
    settings = load_settings(
        environment(
            OCTANE_BUDGET="rediss://:canary@budget.example:6380/2",
            OCTANE_MAX_REQUESTS_PER_DAY="100",
        )
    )
    assert settings.budget is not None
    assert settings.budget.label == "rediss://budget.example:6380/2"
    assert "canary" not in repr(settings)
    assert settings.max_requests_per_day == 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"OCTANE_MAX_REQUESTS_PER_DAY": "5"}, "OCTANE_BUDGET is not"),
        ({"OCTANE_BUDGET": "redis://127.0.0.1:6379"}, "there is no limit to share"),
        ({"OCTANE_BUDGET": "postgresql://x", "OCTANE_REQUESTS_PER_SECOND": "5"}, "not the address"),
        ({"OCTANE_BUDGET": "redis://h:port", "OCTANE_REQUESTS_PER_SECOND": "5"}, "not the address"),
        (
            {"OCTANE_BUDGET": "redis://:canary@budget.example", "OCTANE_REQUESTS_PER_SECOND": "5"},
            "unencrypted; use rediss",
        ),
    ],
)
def test_a_wrong_budget_is_an_error(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        load_settings(environment(**settings))
    assert "canary" not in str(raised.value)


def test_a_site_without_a_budget_needs_no_database() -> None:
    settings = Settings("https://octane.example", "1001", None, Token(Secret("canary")))
    assert Limits.of_extract(settings).reserve(Timing(sleep=lambda _: None)) == 0
