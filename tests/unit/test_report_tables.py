"""Rows are shown as people read them: units, words instead of codes, links, bounded size."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from octane_flows.questions import Question, list_questions
from octane_flows.reports.heading_words import title_of
from octane_flows.reports.report_content import METRIC_AREAS, METRICS_NOT_SHOWN
from octane_flows.reports.report_data import comparisons_section
from octane_flows.reports.report_tables import LONGEST_TEXT, shown, text_of
from octane_flows.reports.shown_columns import VIEWS, View


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("duration_ms", 250, "250 ms"),
        ("duration_ms", 4050, "4.0 s"),
        ("duration_ms", 90_000, "1.5 min"),
        ("open_hours", 26.5, "26.5 h"),
        ("open_hours", 5700.3, "238 d"),
        ("median_days", 0.25, "0.2 d"),
        ("median_days", 23.5, "24 d"),
        ("remaining_days", -90, "-90 d"),
        ("flakiness_ratio", 0.2138, "21.4 %"),
        ("failed_count", 79192, "79,192"),
        ("is_small_sample", True, "yes"),
        ("problem_code", "list_node.run_problem.continuously_failing", "continuously failing"),
        ("error_message", "at module.function", "at module.function"),
        ("created_at", datetime(2021, 1, 20, 21, 5, 9), "2021-01-20 21:05"),
        ("user_names", ["Ann", "Bo"], "Ann, Bo"),
        ("release_name", None, ""),
    ],
)
def test_a_value_is_written_in_the_unit_of_its_column(name: str, value: object, text: str) -> None:
    assert text_of(name, value) == text


def test_headings_are_words_and_leave_out_what_the_cells_say() -> None:
    assert title_of("median_duration_ms") == "Median duration"
    assert title_of("is_small_sample") == "Small sample"
    assert title_of("last_failed_at") == "Last failed"
    assert title_of("first_failed_build_name") == "First failed build"
    assert title_of("open_defect_count") == "Open defects"
    assert title_of("story_count") == "Stories"


@pytest.mark.parametrize(
    "question",
    [question for kind in ("flow", "metric") for question in list_questions(kind)],
    ids=lambda question: question.name,
)
def test_no_two_columns_of_a_table_have_one_heading(question: Question) -> None:
    table = pa.table({column.name: [""] for column in question.columns})
    titles = [heading.title for heading in shown(table, {}, 1).headings]

    assert sorted(titles) == sorted(set(titles))


def test_no_heading_of_any_question_is_a_column_name() -> None:
    names = {
        column.name
        for kind in ("flow", "metric")
        for question in list_questions(kind)
        for column in question.columns
    }

    assert [name for name in names if "_" in title_of(name)] == []
    assert [
        name
        for name in names
        if not title_of(name)[0].isupper() and not title_of(name)[0].isdigit()
    ] == []


def test_deciding_columns_stand_left_and_the_others_wait() -> None:
    answer = pa.table({"test_id": ["1"], "test_name": ["T"], "count": [1], "state_code": ["flaky"]})
    view = View("Tests", ("state_code", "test_name"), hidden=("count",))

    headings = shown(answer, {}, limit=9, view=view).headings

    assert [(heading.title, heading.is_more) for heading in headings] == [
        ("State", False),
        ("Test", False),
    ]
    assert [h.is_more for h in shown(answer, {}, 9, view=View("", ("test_name",))).headings] == [
        False,
        True,
        True,
    ]


def test_views_name_questions_and_columns_that_there_are() -> None:
    questions = {q.slug: q for kind in ("flow", "metric") for q in list_questions(kind)}

    for slug, view in VIEWS.items():
        columns = {column.name for column in questions[slug].columns}
        assert {*view.columns, *view.hidden} <= columns, slug


def test_times_are_of_the_zone_of_the_site() -> None:
    moment = datetime(2021, 1, 20, 23, 30)

    assert text_of("created_at", moment, ZoneInfo("Europe/Berlin")) == "2021-01-21 00:30"


def test_a_name_stands_where_its_id_stood_and_links_to_the_item() -> None:
    answer = pa.table(
        {
            "workspace_id": ["1002", "1002"],
            "defect_id": ["1", "2"],
            "severity_code": ["list_node.severity.high", "list_node.severity.low"],
            "severity_label": ["High", "Low"],
            "defect_name": ["Crash", "Hang"],
            "defect_url": ["https://octane.example/1", None],
        }
    )

    table = shown(answer, {"defect_name": "name of the defect"}, limit=1)

    assert [heading.title for heading in table.headings] == ["Defect", "Severity"]
    assert table.headings[0].meaning == "name of the defect"
    assert [cell.text for cell in table.rows[0]] == ["Crash", "High"]
    assert [cell.url for cell in table.rows[0]] == ["https://octane.example/1", None]
    assert (len(table.rows), table.row_count) == (1, 2)


def test_where_a_name_is_empty_the_id_is_shown() -> None:
    answer = pa.table({"module_id": ["all", "7"], "module_name": [None, "Grid"]})

    assert [row[0].text for row in shown(answer, {}, limit=9).rows] == ["all", "Grid"]


def test_two_workspaces_are_told_apart() -> None:
    answer = pa.table({"workspace_id": ["1002", "1003"], "n": [1, 2]})

    table = shown(answer, {}, limit=9, with_workspace=True)
    assert [heading.title for heading in table.headings] == ["Workspace", "N"]
    assert [heading.title for heading in shown(answer, {}, limit=9).headings] == ["N"]


def test_a_long_text_is_cut() -> None:
    table = shown(pa.table({"error_message": ["x" * 5000]}), {}, limit=9)

    cell = table.rows[0][0]
    assert len(cell.text) == len(cell.sort) == LONGEST_TEXT
    assert cell.text.endswith("…")


def test_every_metric_stands_on_one_page() -> None:
    placed = [slug for slugs in METRIC_AREAS.values() for slug in slugs]

    slugs = sorted(metric.slug for metric in list_questions("metric"))
    assert sorted([*placed, *METRICS_NOT_SHOWN]) == slugs, (
        "name a new metric in METRIC_AREAS of reports/report_content.py"
    )


def test_the_comparison_with_octane_names_the_flow_and_the_time_of_the_site() -> None:
    comparison = {"slug": "planned_runs", "status": "equal"}
    compared = {**comparison, "compared_at": "2021-01-20T23:20:20+00:00"}
    table = comparisons_section([compared], ZoneInfo("Europe/Berlin")).table
    assert table is not None

    assert {heading.title for heading in table.headings} == {"Status", "Flow", "Compared"}
    assert {cell.text for cell in table.rows[0]} == {"equal", "planned_runs", "2021-01-21 00:20"}
