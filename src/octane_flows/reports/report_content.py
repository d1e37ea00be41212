"""What the report says: its areas, and for each question the answer, the query and a picture.

A warehouse connection in, `Area` records out; `page` renders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import duckdb
import pyarrow as pa

from octane_flows import er_diagrams
from octane_flows.errors import OctaneFlowsError
from octane_flows.models.model import load_models
from octane_flows.questions import Question, first_rows, list_questions, run_question
from octane_flows.reports.default_charts import (
    BARS_SHOWN,
    CHARTS_OF_ALL_ROWS,
    chart_specifications,
)
from octane_flows.reports.draw_pictures import Picture, draw_pictures
from octane_flows.reports.report_tables import Shown, shown

NOT_COMPARED = "This generation has not been compared; the command does so."
ROWS_SHOWN = 50  # a page is read, not searched: the command for all rows stands beside it
#: Answers of few rows and many facts stand on their side: a column a row, so many of them.
SIDEWAYS: Mapping[str, int] = {"release_readiness": 4}

#: Which metrics stand in which area, in reading order; a test holds it to the metrics there are.
METRIC_AREAS: dict[str, tuple[str, ...]] = {
    "Changes": ("changes",),
    "Readiness": (
        "release_readiness",
        "execution_progress",
        "burn_up",
        "sprint_progress",
        "lead_times",
        "cycle_times",
        "time_in_phase",
        "phase_transitions",
    ),
    "Tests": (
        "triage",
        "results_per_week",
        "test_states",
        "current_failures",
        "problematic_tests",
        "flaky_tests",
        "failure_bursts",
        "failure_clusters",
        "test_repair_times",
        "failing_tests",
        "slow_tests",
    ),
    "Defects": (
        "overdue",
        "defect_flow",
        "defect_closing_times",
        "reopened_defects",
        "escaped_defects",
    ),
    "Traceability": ("traceability",),
}

#: Metrics that no chapter shows: rows for other metrics to read, and the history of an entity that
#: is named when it is asked for.
METRICS_NOT_SHOWN = frozenset(
    {
        "clustered_failures",
        "field_history",
        "gate_variables",
        "test_outcomes",
        "test_state_changes",
        "watched_states",
    }
)

#: Tables of `meta` that tell how far the page can be trusted: title, question, select.
QUALITY: tuple[tuple[str, str, str], ...] = (
    (
        "Completeness",
        "What was asked of each entity type, and what came?",
        "select * from meta.certificate order by workspace_id, entity",
    ),
    (
        "Checks",
        "What was checked before this warehouse was published?",
        "select * from meta.checks order by is_passed, severity, check_name",
    ),
    (
        "Schema changes",
        "Which fields appeared, went away or changed their type?",
        "select * from meta.schema_changes order by generation desc, entity, field",
    ),
    ("Findings", "What did the extract find odd?", "select * from meta.findings"),
)


@dataclass(frozen=True)
class Section:
    """One question with its answer; `problem` says why there is none."""

    slug: str
    title: str
    question: str
    sql: str | None
    command: str | None = None
    model_sql: str | None = None
    source: str | None = None
    table: Shown | None = None
    specifications: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    problem: str | None = None
    diagram: str | None = None
    is_sideways: bool = False


#: What the first screen says: the number of rows of a flow or metric, and what they are.
HEADLINES: tuple[tuple[str, str], ...] = (
    ("current_failures", "tests fail now"),
    ("problematic_tests", "problems of tests"),
    ("flaky_tests", "tests that come and go"),
    ("open_high_severity_defects", "open defects of high severity"),
    ("planned_runs", "planned runs"),
)


@dataclass(frozen=True)
class Area:
    """A chapter of the page."""

    slug: str
    title: str
    sections: list[Section]


def areas(connection: duckdb.DuckDBPyConnection, comparisons: list[dict[str, Any]]) -> list[Area]:
    """The whole page, in reading order; `comparisons` with the live server, if there were any."""
    metrics = {metric.slug: metric for metric in list_questions("metric")}
    metric_areas = [
        _area(connection, title, [metrics[slug] for slug in slugs])
        for title, slugs in METRIC_AREAS.items()
    ]
    flows = list_questions("flow")
    documented = [flow for flow in flows if flow.is_documented]
    own = [flow for flow in flows if not flow.is_documented]
    return [
        *metric_areas,
        Area("flows", "The documented flows", [_section(connection, flow) for flow in documented]),
        *([_area(connection, "Flows of your own", own)] if own else []),
        _relationships(connection),
        Area("data-quality", "Data quality", [_comparisons(comparisons), *_quality(connection)]),
    ]


def _area(connection: duckdb.DuckDBPyConnection, title: str, questions: Sequence[Question]) -> Area:
    sections = [_section(connection, question) for question in questions]
    return Area(title.lower().replace(" ", "-"), title, sections)


def _section(connection: duckdb.DuckDBPyConnection, question: Question) -> Section:
    table: Shown | None = None
    specifications: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    problem: str | None = None
    limit = SIDEWAYS.get(question.slug, ROWS_SHOWN)
    counts: dict[str, int] = {}
    try:
        if question.slug in CHARTS_OF_ALL_ROWS:
            answer = run_question(connection, question)
        else:
            first = first_rows(connection, question, max(limit, BARS_SHOWN))
            answer = first.rows
            counts = {"row_count": first.row_count, "workspace_count": first.workspace_count}
    except OctaneFlowsError as error:
        problem = str(error)
    else:
        meanings = {column.name: column.meaning for column in question.columns}
        table = shown(answer, meanings, limit, **counts)
        try:
            specifications = chart_specifications(question.slug, answer)
        except Exception as error:  # noqa: BLE001 (a picture never takes the page with it)
            pictures = (Picture(problem=f"{type(error).__name__}: {error}"),)
    return Section(
        slug=question.slug,
        title=question.title,
        question=question.text,
        sql=f"from {question.name}()",
        command=f"octane-flows {question.kind} {question.slug}",
        model_sql={model.name: model.sql for model in load_models()}[question.name],
        source=question.source if question.kind == "flow" else None,
        table=table,
        specifications=specifications,
        pictures=pictures,
        problem=problem,
        diagram=_diagram(connection, er_diagrams.question_diagram(question.name)),
        is_sideways=question.slug in SIDEWAYS,
    )


def _diagram(connection: duckdb.DuckDBPyConnection, diagram: er_diagrams.Diagram) -> str:
    """The tables of a diagram with the counts of this warehouse, as a picture."""
    return er_diagrams.svg_picture(er_diagrams.with_counts(diagram, connection))


def _relationships(connection: duckdb.DuckDBPyConnection) -> Area:
    """The tables of each area of Octane and how they refer to one another."""
    sections = [
        Section(
            slug=f"er-{area.slug}",
            title=area.title,
            question=" ".join(area.points).replace("`", ""),
            sql=None,
            command=f"octane-flows er {area.slug}",
            diagram=_diagram(connection, er_diagrams.area_diagram(area)),
        )
        for area in er_diagrams.AREAS
    ]
    return Area("entity-relationships", "Entity relationships", sections)


def with_pictures(areas: Sequence[Area]) -> list[Area]:
    """The areas with their pictures drawn, all of them in one process."""
    sections = [section for area in areas for section in area.sections]
    drawn = iter(draw_pictures([text for section in sections for text in section.specifications]))
    return [
        replace(
            area,
            sections=[
                replace(
                    section,
                    pictures=(*section.pictures, *islice(drawn, len(section.specifications))),
                )
                for section in area.sections
            ],
        )
        for area in areas
    ]


def _quality(connection: duckdb.DuckDBPyConnection) -> list[Section]:
    sections = []
    for title, question, sql in QUALITY:
        answer = connection.sql(sql).to_arrow_table()
        sections.append(
            Section(
                slug=title.lower().replace(" ", "_"),
                title=title,
                question=question,
                sql=sql,
                table=shown(answer, {}, 10 * ROWS_SHOWN),
            )
        )
    return sections


def _comparisons(comparisons: list[dict[str, Any]]) -> Section:
    """What `verify` said, differences first."""
    ordered = sorted(comparisons, key=lambda comparison: comparison["status"] == "equal")
    return Section(
        slug="compared_with_octane",
        title="Compared with Octane",
        question="Does each flow name what its documented requests gave, and when were they asked?",
        sql=None,
        command="octane-flows verify",
        table=shown(pa.Table.from_pylist(ordered), {}, 10 * ROWS_SHOWN) if comparisons else None,
        problem=None if comparisons else NOT_COMPARED,
    )
