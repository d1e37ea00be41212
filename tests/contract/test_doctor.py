"""The doctor against a simulated server, well and ill: findings, remedies, seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from octane_flows.doctor import Diagnosis, examine
from octane_flows.doctor.estimate import request_count
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import environment_of
from tests.many_runs import load_runs

RUNS = 2_500


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    simulator = Simulator(dataset="empty", seed=1)
    load_runs(simulator.store, RUNS)
    with serve(simulator) as running:
        yield running


@pytest.fixture
def server(served: Running) -> Iterator[Running]:
    served.simulator.clock.set(datetime.now(UTC), frozen=False)
    yield served
    served.simulator.faults.clear()


def found(
    server: Running, home: Path, budget_s: float = 8.0, **settings: str
) -> dict[str, Diagnosis]:
    environ = {**environment_of(server, home), **settings}
    return {finding.name: finding for finding in examine(environ, budget_s=budget_s, timeout_s=30)}


def test_a_healthy_server_is_told_with_what_a_first_load_takes(
    server: Running, tmp_path: Path
) -> None:
    started = time.monotonic()
    findings = found(server, tmp_path)

    assert time.monotonic() - started < 10
    assert {finding.status for finding in findings.values()} == {"ok"}, findings
    load = findings["first load"].facts
    types = findings["workspaces"].facts["entity_types"][server.workspace]
    assert load["rows"] >= RUNS
    history = findings["change history"].facts["requests"]
    assert history == 11  # five kinds of work items, four of tests, two of requirements
    # One request a small collection, three pages and three edges for the runs.
    assert load["requests"] == 10 + types - 1 + request_count(RUNS, 1000) + history
    assert load["minutes"] > 0
    assert "run_automated with every field took" in findings["first load"].text
    assert json.loads(json.dumps(asdict(findings["first load"])))["name"] == "first load"


def test_the_doctor_writes_nothing_and_shows_no_secret(server: Running, tmp_path: Path) -> None:
    lines = "\n".join(finding.line for finding in found(server, tmp_path).values())

    assert server.client_secret not in lines
    assert list(tmp_path.iterdir()) == []


def test_entity_types_that_the_role_may_not_read_are_listed(
    server: Running, tmp_path: Path
) -> None:
    server.simulator.faults.refuse("defect", "story")

    roles = found(server, tmp_path)["roles"]

    assert roles.status == "failed"
    assert "2 of " in roles.text
    assert "defect, story" in roles.text
    assert "--skip defect --skip story" in roles.remedy


def test_the_change_history_is_foretold(server: Running, tmp_path: Path) -> None:
    assert "change history" not in found(server, tmp_path, OCTANE_HISTORY="none")

    server.simulator.faults.add("history_restricted")
    restricted = found(server, tmp_path)["change history"]
    assert (restricted.status, "by the ids of entities" in restricted.text) == ("ok", True)

    server.simulator.faults.add("refuse", entity="history_log", status=404)
    refused = found(server, tmp_path)["change history"]
    assert (refused.status, refused.facts["requests"]) == ("warning", 0)
    assert "OCTANE_HISTORY=none" in refused.remedy


@pytest.mark.parametrize(
    ("minutes", "way"),
    [
        (12, "12 min ahead of"),
        (-12, "12 min behind"),
        (-300, "5 hours behind"),
        (7200, "5 days ahead of"),
    ],
)
def test_a_clock_that_is_wrong_is_told(
    server: Running, tmp_path: Path, minutes: int, way: str
) -> None:
    server.simulator.clock.set(datetime.now(UTC) + timedelta(minutes=minutes), frozen=False)

    clock = found(server, tmp_path)["clock"]

    assert clock.status == "warning"
    assert way in clock.text
    assert "lose nothing" in clock.remedy


def test_a_wrong_key_ends_the_examination(server: Running, tmp_path: Path) -> None:
    findings = found(server, tmp_path, OCTANE_CLIENT_SECRET="wrong")

    assert list(findings)[-1] == "server"
    assert findings["server"].status == "failed"
    assert "OCTANE_CLIENT_ID and OCTANE_CLIENT_SECRET" in findings["server"].text


@pytest.mark.parametrize("kind", ["unavailable", "html_200"])
def test_a_server_that_is_down_is_told_within_seconds(
    server: Running, tmp_path: Path, kind: str
) -> None:
    server.simulator.faults.add(kind, times=None)
    started = time.monotonic()

    findings = found(server, tmp_path)

    assert time.monotonic() - started < 10
    assert findings["server"].status == "failed"


def test_a_slow_server_is_asked_until_the_time_is_up(server: Running, tmp_path: Path) -> None:
    server.simulator.faults.add(
        "latency", seconds=0.2, times=None, path=f"/workspaces/{server.workspace}/"
    )

    findings = found(server, tmp_path, budget_s=3.0, OCTANE_CONCURRENCY="1")

    assert findings["roles"].status == "warning"
    assert "gave no count (the time was up)" in findings["roles"].text
    assert findings["first load"].text.startswith("at least ")


def test_limits_of_the_site_are_part_of_the_estimate(server: Running, tmp_path: Path) -> None:
    findings = found(
        server,
        tmp_path,
        OCTANE_MAX_REQUESTS="30",
        OCTANE_REQUESTS_PER_SECOND="500",
        OCTANE_QUIET_HOURS="00:00-23:59",
    )

    assert findings["first load"].status == "warning"
    assert "OCTANE_MAX_REQUESTS allows 30 a run" in findings["first load"].remedy
    assert findings["quiet hours"].text.startswith("00:00-23:59 UTC")


def test_a_budget_that_can_never_be_enough_is_told(server: Running, tmp_path: Path) -> None:
    load = found(server, tmp_path, OCTANE_MAX_REQUESTS="12")["first load"]

    assert load.status == "failed", load.line
    assert "run_automated alone needs more requests" in load.remedy
    assert f"at least {10 + request_count(RUNS, 1000)} (OCTANE_MAX_REQUESTS)" in load.remedy


def test_a_folder_that_cannot_be_written_is_told(server: Running, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    findings = found(server, tmp_path, OCTANE_HOME=str(tmp_path / "file" / "lake"))

    assert findings["data folder"].status == "failed"
    assert "give OCTANE_HOME a folder" in findings["data folder"].remedy


def test_settings_that_are_wrong_end_the_examination() -> None:
    (finding,) = examine({"OCTANE_URL": "https://octane.example.com"})

    assert finding.line.startswith("failed  settings     No shared space is named")
