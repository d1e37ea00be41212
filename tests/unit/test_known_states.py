"""Changes since the states that a letter knew: what comes late is news, what is old is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from octane_flows.changes import ChangeList, KnownStates, changes_of
from octane_flows.lake import Lake
from octane_flows.warehouse import build
from tests.golden import kit
from tests.needed_models import needed_models

MODELS = needed_models("metric.changes")
FIRST = datetime(2021, 1, 20, 3, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=2)
Row = dict[str, Any]
NODES = ("run_native_status.passed", "run_native_status.failed", "run_status.passed",
         "run_status.failed", "severity.high")  # fmt: skip


def base(workspace: str = "1002") -> dict[str, list[Row]]:
    """A workspace with two tests, of which one run each passed a month ago."""
    return {
        "list_node": [
            {"id": f"list_node.{name}", "logical_name": f"list_node.{name}",
             "_workspace_id": workspace}
            for name in NODES
        ],
        "phase": [
            {"id": f"phase.defect.{name}", "logical_name": f"phase.defect.{name}",
             "entity": "defect", "metaphase_id": f"metaphase.work_item.{metaphase}",
             "_workspace_id": workspace}
            for name, metaphase in (("new", "inprogress"), ("closed", "done"))
        ],
        "metaphase": [
            {"id": f"metaphase.work_item.{name}", "logical_name": f"metaphase.work_item.{name}",
             "_workspace_id": workspace}
            for name in ("inprogress", "done")
        ],
        "test_automated": [
            {"id": id, "type": "test_automated", "name": f"test {id}", "_workspace_id": workspace}
            for id in ("1", "2")
        ],
        "run_automated": [
            run(id, "passed", FIRST - timedelta(days=30), workspace) for id in ("1", "2")
        ],
    }  # fmt: skip


def run(test: str, status: str, started: datetime, workspace: str = "1002", *, id: str = "") -> Row:
    """A run whose result reached the server two hours after its build had begun."""
    return {
        "id": id or f"{test}{started:%d%H}",
        "type": "run_automated",
        "test_id": test,
        "status_id": f"list_node.run_status.{status}",
        "native_status_id": f"list_node.run_native_status.{status}",
        "started": started.replace(tzinfo=None),
        "creation_time": (started + timedelta(hours=2)).replace(tzinfo=None),
        "_workspace_id": workspace,
    }


def defect(id: str, created: datetime, workspace: str = "1002") -> Row:
    return {
        "id": id,
        "type": "defect",
        "name": f"defect {id}",
        "phase_id": "phase.defect.new",
        "creation_time": created.replace(tzinfo=None),
        "_workspace_id": workspace,
    }


def letter(home: Path, rows: dict[str, list[Row]], as_of: datetime, **more: Any) -> ChangeList:
    """What a letter about the next generation tells."""
    before = Lake(home / "lake").current()
    kit.write_lake(home, rows, as_of=as_of, **more)
    build(home, models=MODELS)
    since = "yesterday" if before is None else before.as_of.replace(tzinfo=None).isoformat()
    return changes_of(home, Lake(home / "lake"), "UTC", since, known=KnownStates(home))


def news(changes: ChangeList) -> list[tuple[str, str | None]]:
    return [
        (change.code, change.item_id)
        for change in changes.changes
        if change.code not in ("still_failing", "runs_executed")
    ]


def test_a_failure_whose_build_began_before_the_last_letter_is_news(tmp_path: Path) -> None:
    letter(tmp_path, base(), FIRST)
    late = run("1", "failed", FIRST - timedelta(hours=1))

    told = letter(tmp_path, {"run_automated": [late]}, SECOND)
    by_times = changes_of(tmp_path, Lake(tmp_path / "lake"), "UTC", f"{FIRST:%Y-%m-%dT%H:%M}")

    assert news(told) == [("newly_failing", "1")]
    assert news(by_times) == []
    assert news(letter(tmp_path, {}, SECOND + timedelta(hours=1))) == []


def test_a_late_pass_repairs_what_a_letter_told(tmp_path: Path) -> None:
    letter(tmp_path, base(), FIRST)
    failed = {"run_automated": [run("1", "failed", FIRST + timedelta(hours=1))]}
    letter(tmp_path, failed, SECOND)
    passed = run("1", "passed", SECOND - timedelta(minutes=1))

    told = letter(tmp_path, {"run_automated": [passed]}, SECOND + timedelta(hours=2))

    assert news(told) == [("repaired", "1")]


def test_a_defect_of_the_very_second_of_the_last_letter_is_news(tmp_path: Path) -> None:
    letter(tmp_path, base(), FIRST)

    assert news(letter(tmp_path, {"defect": [defect("7", FIRST)]}, SECOND)) == [("defect_new", "7")]


@pytest.mark.parametrize("workspace", ["1002", "1003"])
def test_what_is_old_and_read_for_the_first_time_is_no_news(tmp_path: Path, workspace: str) -> None:
    letter(tmp_path, base(), FIRST)
    rows = base(workspace) if workspace != "1002" else {"run_automated": []}
    old = run("2", "failed", FIRST - timedelta(days=29), workspace)
    late = run("1", "failed", FIRST - timedelta(hours=1), workspace)
    rows["run_automated"] += [old, late]

    told = letter(tmp_path, rows, SECOND)

    # of a workspace that no letter knew, the times decide
    assert news(told) == ([("newly_failing", "1")] if workspace == "1002" else [])
    assert {change.item_id for change in told.changes if change.code == "still_failing"} == (
        {"2"} if workspace == "1002" else {"1", "2"}
    )


def test_an_item_that_is_gone_is_not_repaired(tmp_path: Path) -> None:
    rows = base()
    failed = run("1", "failed", FIRST - timedelta(hours=2))
    letter(tmp_path, {**rows, "run_automated": [*rows["run_automated"], failed]}, FIRST)
    gone = {
        "test_automated": [{**rows["test_automated"][0], "_deleted": True}],
        "run_automated": [
            {**row, "_deleted": True} for row in (*rows["run_automated"], failed)
            if row["test_id"] == "1"
        ],
    }  # fmt: skip

    assert news(letter(tmp_path, gone, SECOND)) == []


def test_states_that_no_letter_begins_with_are_deleted(tmp_path: Path) -> None:
    known = KnownStates(tmp_path)
    letter(tmp_path, base(), FIRST)
    letter(tmp_path, {}, SECOND)
    moment = SECOND.replace(tzinfo=None)

    known.keep_only([moment])

    assert [path.name for path in (tmp_path / "letters").iterdir()] == [
        "20210120T050000000000.parquet"
    ]
    assert known.of(FIRST.replace(tzinfo=None)) is None
    assert known.of(moment) is not None


def test_a_damaged_file_of_states_leaves_the_times(tmp_path: Path) -> None:
    letter(tmp_path, base(), FIRST)
    (file,) = (tmp_path / "letters").iterdir()
    file.write_bytes(b"PAR1")
    failed = run("1", "failed", FIRST + timedelta(hours=1))

    assert news(letter(tmp_path, {"run_automated": [failed]}, SECOND)) == [("newly_failing", "1")]
