"""A simulated server with manual tests, their runs and defects: for link sets that others change.

The server renews the last runs of a test without touching the test's `last_modified`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octane_flows.extract import ExtractReport
from octane_simulator import Simulator
from octane_simulator.rules.last_runs import renew_last_runs
from tests.small import FIELDS, TYPES, SmallTransport, run_extract, stored_links


class RunsTransport(SmallTransport):
    """A small transport with tests and runs."""

    types = TYPES | {"test", "test_manual", "run", "run_manual"}
    fields = FIELDS | {"test", "last_runs", "run", "defect"}


def extract_runs(
    simulator: Simulator, home: Path, transport: RunsTransport | None = None, **choices: Any
) -> ExtractReport:
    """One plain extract of tests, runs and defects."""
    only = ("defect", "test_manual", "run_manual")
    choices = {"page_size": 100, "only": only, **choices}
    return run_extract(simulator, home, transport or RunsTransport(simulator), **choices)


def add_test(simulator: Simulator, name: str = "t") -> str:
    """A manual test without a run."""
    return simulator.store.insert("test_manual", {"name": name})


def add_run(simulator: Simulator, test: str, **more: Any) -> str:
    """A manual run of a test; the server renews the test's last runs."""
    reference = {"type": "test_manual", "id": test}
    run = simulator.store.insert("run_manual", {"name": "r", "test": reference, **more})
    renew_last_runs(simulator.store, test)
    return run


def move_run(simulator: Simulator, run: str, test: str) -> None:
    """Move the run to another test; the last runs of both tests are renewed."""
    row = simulator.store.get("run_manual", run) or {}
    moved = {"test": {"type": "test_manual", "id": test}, "test_of_last_run": None}
    simulator.store.update("run_manual", run, moved)
    for test_id in (row["test"]["id"], test):
        renew_last_runs(simulator.store, test_id)


def last_runs(simulator: Simulator) -> dict[str, list[str]]:
    """The last runs of each test that has any, from the side of the runs."""
    runs_of_tests: dict[str, list[str]] = {}
    for row in simulator.store.find("run_manual"):
        if row["test_of_last_run"]:
            runs_of_tests.setdefault(row["test_of_last_run"]["id"], []).append(row["id"])
    return {test: sorted(runs) for test, runs in runs_of_tests.items()}


def runs_of_defects(simulator: Simulator) -> dict[str, list[str]]:
    """The runs of each defect that has any."""
    return {
        row["id"]: sorted(run["id"] for run in row["run"])
        for row in simulator.store.find("defect")
        if row["run"]
    }


def assert_links_are_equal(simulator: Simulator, home: Path) -> None:
    """The lake's link sets are the server's."""
    assert stored_links(home, "test_manual", "last_runs") == last_runs(simulator)
    assert stored_links(home, "defect", "run") == runs_of_defects(simulator)
