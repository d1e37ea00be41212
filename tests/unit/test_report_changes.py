"""The changes on the page Today: tests are counted and not rows, the newest stand first."""

from __future__ import annotations

from datetime import datetime

from octane_flows.changes import Change, ChangeGroup
from octane_flows.reports.report_page import counted, newest_first


def change(code: str, item: str, day: int | None, *, kind: str = "test", part: str = "") -> Change:
    since = None if day is None else datetime(2021, 1, day)
    return Change(
        "1002", code, kind, item, part, item, None, None, None, None, None, since, None, None, None
    )


def group(*changes: Change) -> ChangeGroup:
    return ChangeGroup(changes[0].code, "Title", changes)


def test_a_test_that_fails_in_two_environments_counts_once() -> None:
    rows = [change("newly_failing", "1", 2, part=part) for part in ("debian", "ubuntu")]

    assert counted(group(*rows)) == "1 in 2 environments and pipelines"
    assert counted(group(rows[0], change("newly_failing", "2", 2))) == "2"
    assert counted(group(change("defect_new", "1", 2, kind="defect"))) == "1"


def test_the_newest_stand_first_and_what_still_fails_oldest_first() -> None:
    days = (3, None, 5)

    new = newest_first(group(*(change("newly_failing", str(day), day) for day in days)))
    still = newest_first(group(*(change("still_failing", str(day), day) for day in days)))

    assert [row.item_id for row in new] == ["5", "3", "None"]
    assert [row.item_id for row in still] == ["3", "None", "5"]
