"""The sections of the report: one for each question and workspace, with its rows and pictures.

Stored answers in, `Section` records out; `report_content` puts them on pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb

from octane_flows.config import workspace_label
from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import Question, partial_answer
from octane_flows.reports.default_charts import (
    BARS_SHOWN,
    CHARTS,
    CHARTS_OF_ALL_ROWS,
    chart_specifications,
)
from octane_flows.reports.draw_pictures import Picture
from octane_flows.reports.report_parts import Section
from octane_flows.reports.report_tables import UTC_ZONE, shown
from octane_flows.reports.report_today import GRAVE_DEFECTS, GRAVE_TABLE, GRAVE_VIEW
from octane_flows.reports.shown_columns import view_of
from octane_flows.reports.stored_answers import StoredAnswers, problem_of

ROWS_SHOWN = 50  # a page is read, not searched: the command for all rows stands beside it
MOST_WORKSPACES = 20  # with pages of their own; the overview has all
WORKSPACES_DRAWN = 4  # of more workspaces the tables alone are shown
#: Answers of few rows and many facts stand on their side: a column a row, so many of them.
SIDEWAYS: Mapping[str, int] = {"release_readiness": 4}
#: Questions of which fewer rows are shown: the first page of a morning is short.
SHORT: Mapping[str, int] = {**SIDEWAYS, "triage": 15}

#: Answers that several pages read; all others are forgotten when their section is written.
SHARED = frozenset(
    {
        "burn_up", "current_failures", "execution_progress", "gate_variables", "overdue",
        "planned_runs", "release_readiness", "test_states", "traceability",
    }
)  # fmt: skip

#: Metrics that are drawn for each release on its own page.
DRAWN_BY_RELEASE = frozenset({"burn_up", "execution_progress"})
ROWS_DRAWN = 5_000  # of answers whose charts show the whole answer


@dataclass(frozen=True)
class Choice:
    """What the report is about: moment, zone, workspaces, rows of a table, doubts of the data."""

    as_of: datetime
    zone: ZoneInfo = UTC_ZONE
    workspaces: tuple[str, ...] = ()
    rows: int = ROWS_SHOWN
    doubts: Mapping[str, tuple[str, ...]] | None = None
    workspace_names: Mapping[str, str | None] | None = None

    def label(self, workspace: str) -> str:
        """A workspace with its name, where it is known."""
        return workspace_label(workspace, self.workspace_names or {})

    def suffix(self, workspace: str) -> str:
        """What tells the addresses of a workspace's pages apart; nothing where there is one."""
        return f"-{workspace}" if len(self.workspaces) > 1 else ""


def question_sections(
    connection: duckdb.DuckDBPyConnection,
    answers: StoredAnswers,
    questions: Iterable[Question],
    choice: Choice,
) -> dict[str, dict[str, Section]]:
    """By workspace and slug the sections of the questions; each is evaluated a single time."""
    sections: dict[str, dict[str, Section]] = {workspace: {} for workspace in choice.workspaces}
    for question in questions:
        if question.kind == "flow":
            answers.drop("report_metric_test_outcomes")  # which metrics read, and no page shows
        for workspace in choice.workspaces[:MOST_WORKSPACES]:
            sections[workspace][question.slug] = _section(
                connection, answers, question, workspace, choice
            )
        if question.slug not in SHARED:
            answers.drop(f"report_{question.kind}_{question.slug}")
    return sections


def _section(
    connection: duckdb.DuckDBPyConnection,
    answers: StoredAnswers,
    question: Question,
    workspace: str,
    choice: Choice,
) -> Section:
    view = view_of(question.slug)
    section = Section(
        id=f"{question.slug}{choice.suffix(workspace)}",
        slug=question.slug,
        title=view.title,
        question=question.text,
        command=f"octane-flows {question.kind} {question.slug}",
        note=view.note,
        method=f"method-{question.slug}",
        number=question.number,
        is_sideways=question.slug in SIDEWAYS,
    )
    limit = min(choice.rows, SHORT.get(question.slug, choice.rows))
    is_drawn = len(choice.workspaces) <= WORKSPACES_DRAWN and question.slug in CHARTS
    is_drawn = is_drawn and question.slug not in DRAWN_BY_RELEASE
    drawn = ROWS_DRAWN if question.slug in CHARTS_OF_ALL_ROWS else BARS_SHOWN
    fetched = max(limit, drawn if is_drawn else 0)
    try:
        gap = partial_answer(connection, question)
        answer = answers.first(answers.table(question), workspace, fetched, order=view.order)
    except (OctaneFlowsError, duckdb.Error) as error:
        return replace(section, problem=problem_of(error))
    meanings = {column.name: column.meaning for column in question.columns}
    section = replace(
        section,
        note=" ".join(filter(None, (view.note, f"{gap[:1].upper()}{gap[1:]}." if gap else ""))),
        table=shown(
            answer.rows, meanings, limit, row_count=answer.row_count, view=view, zone=choice.zone
        ),
    )
    if not is_drawn:
        return section
    try:
        return replace(section, specifications=chart_specifications(question.slug, answer.rows))
    except Exception as error:  # noqa: BLE001 (a picture never takes the page with it)
        return replace(section, pictures=(Picture(problem=f"{type(error).__name__}: {error}"),))


def grave_section(answers: StoredAnswers, workspace: str, choice: Choice) -> Section:
    """The open defects of high severity, which stand before the other questions on defects."""
    section = Section(
        id=f"grave_defects{choice.suffix(workspace)}",
        slug="grave_defects",
        title=GRAVE_VIEW.title,
        question="Which open defects hold releases up?",
        note="The rule: severity urgent, very high or high, whatever the module, and a phase that "
        "is not done.",
    )
    try:
        answer = answers.first(answers.store(GRAVE_TABLE, GRAVE_DEFECTS), workspace, choice.rows)
    except duckdb.Error as error:
        return replace(section, problem=problem_of(error))
    table = shown(
        answer.rows, {}, choice.rows, row_count=answer.row_count, view=GRAVE_VIEW, zone=choice.zone
    )
    return replace(section, table=table)
