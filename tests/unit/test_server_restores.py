"""A server that was restored from a backup is noticed, told until the remedy was followed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from octane_flows.extract import ExtractReport
from octane_simulator import Simulator
from tests.small import run_extract, stored_rows
from tests.small_defects import ids_of

REMEDY = "octane-flows extract --full"


def backup(simulator: Simulator) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    simulator.store.connection.backup(copy)
    return copy


def restore(simulator: Simulator, copy: sqlite3.Connection) -> None:
    copy.backup(simulator.store.connection)
    copy.close()


def findings(report: ExtractReport) -> list[str]:
    return [finding.text for finding in report.manifest.findings if REMEDY in finding.text]


def names(simulator: Simulator) -> dict[str, tuple[str]]:
    return {row["id"]: (row["name"],) for row in simulator.store.find("defect")}


@pytest.mark.parametrize("newest", ["changed", "deleted", "created"])
@pytest.mark.parametrize("active", [False, True])
def test_a_restore_is_told_until_all_was_read_again(
    simulator: Simulator, tmp_path: Path, newest: str, active: bool
) -> None:
    story = simulator.store.insert("story", {"name": "s"})
    simulator.clock.advance(86_400)
    copy = backup(simulator)
    simulator.clock.advance(3600)
    first, second, *_ = ids_of(simulator)
    simulator.store.update("defect", first, {"name": "lost"})
    simulator.store.update("story", story, {"name": "lost"})
    simulator.clock.advance(60)
    if newest == "created":
        simulator.store.insert("defect", {"name": "lost too"})
    else:
        simulator.store.update("defect", second, {"name": "lost too"})
    run_extract(simulator, tmp_path)
    if newest == "deleted":
        simulator.store.delete("defect", second)
    simulator.clock.advance(3600)
    restore(simulator, copy)
    if active:
        simulator.clock.advance(3600)
        simulator.store.insert("defect", {"name": "after the restore"})

    report = run_extract(simulator, tmp_path)

    assert len(findings(report)) == 1
    simulator.clock.advance(3600)
    assert len(findings(run_extract(simulator, tmp_path))) == 1  # until the remedy was followed
    report = run_extract(simulator, tmp_path, full=True)
    assert findings(report) == []
    assert stored_rows(tmp_path, "defect", "name") == names(simulator)
    assert findings(run_extract(simulator, tmp_path)) == []


def test_ordinary_changes_and_deletions_are_no_restore(
    simulator: Simulator, tmp_path: Path
) -> None:
    simulator.store.insert("story", {"name": "s"})
    run_extract(simulator, tmp_path)
    for change in (
        lambda: simulator.store.update("defect", ids_of(simulator)[0], {"name": "changed"}),
        lambda: simulator.store.delete("story", ids_of(simulator, "story")[0]),
        lambda: simulator.store.delete("defect", ids_of(simulator)[0]),
        lambda: simulator.store.insert("defect", {"name": "new"}),
    ):
        simulator.clock.advance(600)
        change()
        assert findings(run_extract(simulator, tmp_path)) == []
        assert findings(run_extract(simulator, tmp_path, census=True)) == []
