"""The report's pictures are made from rows alone and are the same for the same rows."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from octane_flows.reports import board_charts, chart_parts, charts
from octane_flows.reports import draw_pictures as drawing
from octane_flows.reports.draw_pictures import Picture, draw_pictures

WEEKS = pa.table(
    {
        "environment_label": ["debian", "debian", "ubuntu"],
        "week_date": [date(2021, 1, 4), date(2021, 1, 11), date(2021, 1, 4)],
        "result_count": [100, 50, 10],
        "failed_count": [1, 0, 10],
    }
)


def drawn(specification: str) -> str:
    [picture] = draw_pictures([specification])
    assert picture.problem is None
    return picture.svg


def test_each_environment_has_its_panel() -> None:
    svg = drawn(charts.results_per_week(WEEKS))

    assert svg.startswith("<svg")
    assert "debian" in svg
    assert "ubuntu" in svg
    assert svg == drawn(charts.results_per_week(WEEKS))


def test_failing_tests_are_named_with_their_counts() -> None:
    rows = {"test_id": ["1", "2"], "test_name": ["test_172", None], "failed_count": [379, 5]}
    svg = drawn(charts.failing_tests(pa.table(rows)))

    assert "test_172" in svg
    assert ">379<" in svg
    assert ">2<" in svg, "a test whose name could not be read is told by its id"


def test_the_board_tells_clusters_with_a_defect_from_those_without() -> None:
    rows = {
        "workspace_id": ["1002", "1002", "1003"],
        "cluster_id": ["a", "b", "c"],
        "error_pattern": ["Timeout\n at x", "<no text>", "<no text>"],
        "test_count": [3, 2, 1],
        "defect_id": ["7", None, None],
    }
    svg = drawn(board_charts.triage(pa.table(rows)))

    for text in ("Timeout", "&lt;no text> (b, 1002)", board_charts.LINKED, board_charts.UNLINKED):
        assert f">{text}<" in svg.replace("&gt;", ">"), text
    assert "at x" not in svg


def test_a_forecast_is_drawn_with_its_interval_and_the_planned_end() -> None:
    rows = pa.table(
        {
            "workspace_id": ["1002"] * 3,
            "release_id": ["1", "2", "3"],
            "release_name": ["R1", "R2", "R3"],
            "end_at": [datetime(2021, 3, 31), None, None],
            "early_date": [date(2021, 3, 1), date(2021, 2, 1), None],
            "likely_date": [date(2021, 4, 1), date(2021, 3, 1), None],
            "late_date": [date(2021, 6, 1), None, None],
        }
    )

    svg = drawn(board_charts.release_forecast(rows))

    assert ">R1<" in svg
    assert ">R2<" in svg, "without a latest date the interval ends at the likely one"
    assert ">R3<" not in svg
    assert board_charts.release_forecast(rows.slice(2)) == ""


def test_weeks_of_few_results_have_no_share() -> None:
    svg = drawn(charts.failed_share(WEEKS))

    assert "debian" in svg
    assert "ubuntu" not in svg
    assert charts.failed_share(WEEKS.slice(2)) == ""


def test_an_interval_is_drawn_for_each_flaky_test() -> None:
    rows = pa.table(
        {
            "test_id": ["137", "138"],
            "test_name": ["test_137", None],
            "environment_label": ["debian", "debian"],
            "flakiness_ratio": [0.2, 0.1],
            "flakiness_low_ratio": [0.15, 0.05],
            "flakiness_high_ratio": [0.3, 0.2],
        }
    )

    svg = drawn(charts.flaky_tests(rows))

    assert "test_137 · debian" in svg
    assert ">138 · debian<" in svg
    assert "currentColor" in svg


def test_scope_and_done_are_drawn_for_each_release() -> None:
    rows = pa.table(
        {
            "release_id": ["5", "5"],
            "release_name": ["R1", "R1"],
            "day_date": [date(2021, 1, 1), date(2021, 1, 2)],
            "item_count": [3, 4],
            "done_item_count": [0, 1],
        }
    )

    svg = drawn(charts.burn_up(rows))

    assert ">R1<" in svg
    assert ">done<" in svg


def test_each_phase_has_a_bar() -> None:
    rows = pa.table(
        {
            "work_item_type": ["quality_story", "defect", "epic", "story"],
            "phase_id": ["p1", "p2", "p3", "p4"],
            "phase_label": ["In Progress", "New", None, "Done"],
            "median_days": [2.0, 1.0, 3.0, None],
            "p90_days": [7.5, 1.0, 4.0, None],
        }
    )

    svg = drawn(charts.time_in_phase(rows))

    assert "quality story · In Progress" in svg
    assert "defect · New" in svg
    assert "epic · p3" in svg
    assert "Done" not in svg
    assert charts.time_in_phase(rows.slice(3)) == ""


def long_releases(count: int, days: int) -> pa.Table:
    start = date(1990, 1, 1)
    rows = [
        {
            "workspace_id": "1002",
            "release_id": str(release),
            "release_name": f"R{release}",
            "day_date": start + timedelta(days=release + day),
            "item_count": day,
            "done_item_count": day,
        }
        for release in range(count)
        for day in range(days)
    ]
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize(("count", "days"), [(1, 20_000), (60, 400)])
def test_many_days_and_releases_are_thinned_and_the_last_day_stays(count: int, days: int) -> None:
    specification = json.loads(charts.burn_up(long_releases(count, days)))

    [rows] = specification["datasets"].values()
    assert len(rows) <= 2 * chart_parts.MOST_DAYS * min(count, chart_parts.MOST_PANELS)
    newest = [row for row in rows if row["release_name"] == f"R{count - 1}"]
    assert max(row["items"] for row in newest) == days - 1


def test_releases_of_one_name_have_a_panel_each() -> None:
    rows = [{**row, "release_name": "R"} for row in long_releases(2, 3).to_pylist()]
    svg = drawn(charts.burn_up(pa.Table.from_pylist(rows)))

    assert ">R (0, 1002)<" in svg
    assert ">R (1, 1002)<" in svg


UNSAFE = (
    "a\x00b", "a\x07\x1b[31mb", "a\nb\tc", "\ufffe\uffff", "\x85", "\u2028", "<b>&amp;</b>", "",
    "x" * 9_999,
)  # fmt: skip


def test_no_text_keeps_a_picture_from_being_drawn() -> None:
    texts = pa.array(UNSAFE)
    ids = pa.array([str(number) for number in range(len(UNSAFE))])
    days = pa.array([date(2021, 1, 4)] * len(UNSAFE))
    counts = pa.array([100] * len(UNSAFE))
    weeks = {
        "environment_label": texts,
        "week_date": days,
        "result_count": counts,
        "failed_count": counts,
    }
    scope = {
        "release_id": ids,
        "release_name": texts,
        "day_date": days,
        "item_count": counts,
        "done_item_count": counts,
    }
    tests = {"test_id": ids, "test_name": texts, "failed_count": counts}

    pictures = draw_pictures(
        [
            charts.results_per_week(pa.table(weeks)),
            charts.failed_share(pa.table(weeks)),
            charts.burn_up(pa.table(scope)),
            charts.failing_tests(pa.table(tests)),
        ]
    )

    assert [picture.problem for picture in pictures] == [None] * 4
    for picture in pictures:
        ElementTree.fromstring(picture.svg)


def test_a_picture_that_ends_its_process_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        drawing,
        "_PROGRAM",
        drawing._PROGRAM.replace(
            "    try:", "    if 'deadly' in line: import os; os.abort()\n    try:", 1
        ),
    )
    good = charts.failing_tests(
        pa.table({"test_id": ["1"], "test_name": ["good"], "failed_count": [379]})
    )

    before, deadly, broken, after = draw_pictures(
        [good, good.replace("good", "deadly"), '{"mark": 7}', good]
    )

    assert "good" in before.svg
    assert before == after
    assert deadly == Picture(problem="the program that draws it ended")
    assert broken.problem


def test_kinds_of_changes_have_their_counts_in_the_order_of_a_letter() -> None:
    rows = pa.table(
        {
            "change_number": [9, 1, 9, 12],
            "change_code": ["repaired", "newly_failing", "repaired", "runs_executed"],
            "run_count": pa.array([None, None, None, 40], type=pa.int64()),
        }
    )

    svg = drawn(charts.changes(rows))

    assert ">2<" in svg
    assert svg.index("newly failing") < svg.index(">repaired<")
    assert "runs executed" not in svg
    assert charts.changes(rows.slice(3)) == "", "counts of runs are no changes of this kind"


def test_a_cluster_is_named_by_the_first_line_of_its_text() -> None:
    rows = {
        "cluster_id": ["a", "b"],
        "error_pattern": ["No route to <host>\n at line <n>", "<no text>"],
        "failed_count": [31, 4],
    }

    svg = drawn(charts.failure_clusters(pa.table(rows)))

    assert "No route to &lt;host&gt;<" in svg
    assert "at line" not in svg
    assert ">31<" in svg


@pytest.mark.parametrize(
    ("groups", "names", "panels"),
    [
        ([None, None], [None, None], [">all defects<"]),
        (["9", None], ["Urgent", None], [">Urgent<", ">without<"]),
    ],
)
def test_the_flow_of_defects_has_a_panel_for_each_group(
    groups: list[str | None], names: list[str | None], panels: list[str]
) -> None:
    rows = pa.table(
        {
            "workspace_id": ["1002", "1002"],
            "group_id": pa.array(groups, type=pa.string()),
            "group_name": pa.array(names, type=pa.string()),
            "start_date": [date(2021, 1, 4), date(2021, 1, 11)],
            "open_count": [3, 4],
            "created_count": [1, 2],
            "reopened_count": [1, 0],
            "closed_count": [0, 1],
        }
    )

    specification = charts.defect_flow(rows)
    svg = drawn(specification)

    assert all(panel in svg for panel in panels)
    [points] = json.loads(specification)["datasets"].values()
    came = [point["count"] for point in points if point["measure"] == "came or came back"]
    assert came == [2, 2]


def test_progress_of_suite_runs_adds_up_to_that_of_their_release() -> None:
    rows = pa.table(
        {
            "workspace_id": ["1002"] * 3,
            "release_id": ["5", "5", None],
            "release_name": ["R1", "R1", None],
            "day_date": [date(2021, 1, 4), date(2021, 1, 5), date(2021, 1, 4)],
            "planned_count": [2, 3, 1],
            "executed_count": [1, 3, 0],
            "passed_count": [1, 1, 0],
        }
    )

    specification = charts.execution_progress(rows)
    svg = drawn(specification)

    assert ">R1<" in svg
    assert ">no release<" in svg
    [points] = json.loads(specification)["datasets"].values()
    executed = [
        point["count"]
        for point in points
        if (point["release_name"], point["measure"]) == ("R1", "executed")
    ]
    assert executed == [1, 4]


def test_entries_of_a_legend_and_labels_of_days_have_room_between_them() -> None:
    """Readers' fonts may be wider than the one that measures the texts."""
    config = json.loads(charts.results_per_week(WEEKS))["config"]

    assert config["legend"]["columnPadding"] >= 30
    assert config["axis"]["labelSeparation"] >= 10
