"""The pages Data and Method: can the numbers be trusted, and how is each of them computed?

A connection in, sections out; `report_content` calls it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from octane_flows import er_diagrams
from octane_flows.models.model import load_models
from octane_flows.questions import Question
from octane_flows.reports.report_parts import Section
from octane_flows.reports.report_tables import UTC_ZONE, shown
from octane_flows.reports.shown_columns import View, view_of

NOT_COMPARED = "This generation has not been compared; the command does so."
QUALITY_ROWS = 500

#: The deciding columns of these tables.
COLUMNS = {
    "Completeness": (
        "workspace_id", "entity", "status", "total_count", "rows_read", "rows_held", "census_at",
        "note",
    ),
    "Checks": ("is_passed", "severity", "check_name", "violation_count", "detail"),
    "Compared with Octane": (
        "status", "number", "flow", "workspace_id", "octane_count", "warehouse_count", "message",
        "compared_at",
    ),
}  # fmt: skip

#: Tables of `meta` that tell how far the page can be trusted: title, question, select.
QUALITY: tuple[tuple[str, str, str], ...] = (
    (
        "Completeness",
        "What was asked of each entity type, what came, and when were its ids last compared?",
        "select * from meta.certificate order by status in ('complete', 'carried'), "
        "workspace_id, entity",
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


def quality(
    connection: duckdb.DuckDBPyConnection, zone: ZoneInfo = UTC_ZONE
) -> tuple[Section, ...]:
    """What the warehouse says about itself, what is wrong first."""
    sections = []
    for title, question, sql in QUALITY:
        (count,) = connection.execute(f"select count(*) from ({sql})").fetchall()[0]
        answer = connection.sql(f"{sql} limit {QUALITY_ROWS}").to_arrow_table()
        slug = title.lower().replace(" ", "_")
        table = shown(
            answer,
            {},
            QUALITY_ROWS,
            row_count=count,
            zone=zone,
            with_workspace=True,
            view=View(title, COLUMNS.get(title, ())),
        )
        command = f'octane-flows query "{sql}"'
        sections.append(Section(slug, slug, title, question, command, table=table))
    return tuple(sections)


def comparisons_section(comparisons: list[dict[str, Any]], zone: ZoneInfo = UTC_ZONE) -> Section:
    """What `verify` said, differences first."""
    ordered = [
        {"flow" if name == "slug" else name: value for name, value in comparison.items()}
        for comparison in sorted(
            comparisons, key=lambda comparison: comparison["status"] == "equal"
        )
    ]
    for comparison in ordered:
        if comparison.get("compared_at") is not None:
            compared_at = datetime.fromisoformat(comparison["compared_at"])
            comparison["compared_at"] = compared_at.astimezone(UTC).replace(tzinfo=None)
    return Section(
        id="compared_with_octane",
        slug="compared_with_octane",
        title="Compared with Octane",
        question="Does each flow name what its documented requests gave, and when were they asked?",
        command="octane-flows verify",
        table=shown(
            pa.Table.from_pylist(ordered),
            {},
            QUALITY_ROWS,
            zone=zone,
            with_workspace=True,
            view=View("", COLUMNS["Compared with Octane"]),
        )
        if comparisons
        else None,
        problem=None if comparisons else NOT_COMPARED,
    )


def method_section(connection: duckdb.DuckDBPyConnection, question: Question) -> Section:
    """How a question is answered: its query, the model, and the tables behind it."""
    models = {model.name: model.sql for model in load_models()}
    return Section(
        id=f"method-{question.slug}",
        slug=question.slug,
        title=view_of(question.slug).title,
        question=question.text,
        command=f"from {question.name}()\n\n{models[question.name]}",
        note=question.source if question.kind == "flow" else "",
        diagram=_diagram(connection, er_diagrams.question_diagram(question.name)),
        number=question.number,
    )


def relationships(connection: duckdb.DuckDBPyConnection) -> tuple[Section, ...]:
    """The tables of each area of Octane and how they refer to one another."""
    return tuple(
        Section(
            id=f"er-{area.slug}",
            slug=area.slug,
            title=area.title,
            question=" ".join(area.points).replace("`", ""),
            command=f"octane-flows er {area.slug}",
            diagram=_diagram(connection, er_diagrams.area_diagram(area)),
        )
        for area in er_diagrams.AREAS
    )


def _diagram(connection: duckdb.DuckDBPyConnection, diagram: er_diagrams.Diagram) -> str:
    """The tables of a diagram with the counts of this warehouse, as a picture."""
    return er_diagrams.svg_picture(er_diagrams.with_counts(diagram, connection))
