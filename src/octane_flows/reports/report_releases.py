"""The pages of releases under way: a verdict by stated thresholds, trend, progress, gaps.

Stored answers in, pages out; `report_content` calls it. The numbers are those of the gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from octane_flows.errors import OctaneFlowsError
from octane_flows.gate import parse_criteria
from octane_flows.questions import question_named
from octane_flows.reports import charts
from octane_flows.reports.report_parts import Condition, Group, Page, Readiness, Section
from octane_flows.reports.report_tables import UTC_ZONE, shown
from octane_flows.reports.report_today import GRAVE_DEFECTS, GRAVE_TABLE, GRAVE_VIEW
from octane_flows.reports.shown_columns import view_of
from octane_flows.reports.stored_answers import StoredAnswers, problem_of

MOST_RELEASES: Final = 5  # of a workspace with a page of their own; the table has all
DAYS_DRAWN: Final = 1000
#: The thresholds of a release that is ready, and what each of them says in words.
THRESHOLDS: Final[Mapping[str, str]] = {
    "pass_ratio >= 0.95": "At least 95 % of the executed last runs passed",
    "execution_ratio = 1": "Every planned run was executed",
    "blocking_defect_count = 0": "No defect of severity high or worse is open",
    "done_ratio = 1": "Every story, quality story and feature is done",
}
CURRENT: Final = """
select release_id, release_name, start_at, end_at, remaining_days, uncovered_item_count
from {table}
where {condition}
    and start_at <= {as_of} and (end_at is null or end_at >= {as_of})
order by end_at nulls last, release_id
limit {limit}
"""
VARIABLES: Final = """
select variable_code, variable_value
from {table}
where {condition} and scope_type = 'release' and scope_id = $release
"""


def release_pages(
    answers: StoredAnswers,
    workspace: str,
    suffix: str,
    *,
    as_of: datetime,
    rows: int,
    zone: ZoneInfo = UTC_ZONE,
    doubts: tuple[str, ...] = (),
) -> list[Page]:
    """A page for each release under way, the one that ends first in front."""
    try:
        table = answers.table(question_named("metric", "release_readiness"))
        variables = answers.table(question_named("metric", "gate_variables"))
    except OctaneFlowsError as error:
        problem_of(error)  # raises where the warehouse is damaged
        return []  # the section of all releases says why
    releases = answers.select(
        CURRENT.format(
            table=table,
            condition=answers.of(table, workspace) or "true",
            as_of=f"timestamp '{as_of:%Y-%m-%d %H:%M:%S}'",
            limit=MOST_RELEASES,
        )
    ).to_pylist()
    pages = []
    for release in releases:
        sql = VARIABLES.format(
            table=variables, condition=answers.of(variables, workspace) or "true"
        )
        values = dict(answers.cursor.execute(sql, {"release": release["release_id"]}).fetchall())
        place = f"release-{release['release_id']}{suffix}"
        pages.append(
            Page(
                id=place,
                title=str(release["release_name"] or release["release_id"]),
                workspace=workspace,
                groups=(Group("", "", _sections(answers, workspace, release, place, rows, zone)),),
                parent=f"release{suffix}",
                readiness=_readiness(release, values, doubts),
            )
        )
    return pages


def _readiness(
    release: Mapping[str, Any], values: Mapping[str, float | None], doubts: tuple[str, ...]
) -> Readiness:
    conditions = []
    for text, words in THRESHOLDS.items():
        [criterion] = parse_criteria(text, values or dict.fromkeys(text.split()[:1]))
        name = text.split()[0]
        conditions.append(
            Condition(words, _value(name, values.get(name)), criterion.tree.holds(values))
        )
    met = [condition.is_met for condition in conditions]
    is_ready = None if doubts or (None in met and False not in met) else all(met)
    words = {True: "Ready", False: "Not ready", None: "Cannot be told"}[is_ready]
    name = str(release["release_name"] or release["release_id"]).replace('"', '\\"')
    days = release["remaining_days"]
    facts = "No end is set." if days is None else f"{days:,} days are left until its planned end."
    return Readiness(
        words,
        is_ready,
        tuple(conditions),
        facts,
        f'octane-flows gate --release "{name}" "{" and ".join(THRESHOLDS)}"',
        doubts,
    )


def _value(name: str, value: float | None) -> str:
    if value is None:
        return "nothing to count"
    return f"{100 * value:,.1f} %" if name.endswith("_ratio") else f"{value:,.0f}"


def _sections(
    answers: StoredAnswers,
    workspace: str,
    release: Mapping[str, Any],
    place: str,
    limit: int,
    zone: ZoneInfo,
) -> tuple[Section, ...]:
    release_id = str(release["release_id"]).replace("'", "''")
    name = str(release["release_name"] or "").replace("'", "''")
    of_id, of_name = f"release_id = '{release_id}'", f"release_name = '{name}'"
    return tuple(
        section
        for section in (
            _progress(answers, workspace, of_id, place),
            _rows(
                answers, workspace, place, "release_forecast", "Forecast",
                "When will what is left be done, and how often were such forecasts right?", of_id,
                limit, zone,
            ),
            _rows(
                answers, workspace, place, "grave_defects", GRAVE_VIEW.title,
                "Which open defects hold the release up?", of_id, limit, zone,
            ),
            _rows(
                answers, workspace, place, "traceability", "Gaps",
                "Which items of the release have no test, or tests that did not pass?",
                f"{of_name} and gap is not null", limit, zone,
            ),
            _rows(
                answers, workspace, place, "overdue", "Overdue defects",
                "Which of its open defects are older than their severity allows?", of_name, limit,
                zone,
            ),
        )
    )  # fmt: skip


def _progress(answers: StoredAnswers, workspace: str, condition: str, place: str) -> Section:
    section = Section(
        id=f"progress-{place}",
        slug="progress",
        title="Trend and progress",
        question="How did scope, done items, planned, executed and passed runs grow?",
    )
    specifications = []
    try:
        for slug, draw in (
            ("burn_up", charts.burn_up),
            ("execution_progress", charts.execution_progress),
        ):
            table = answers.table(question_named("metric", slug))
            days = answers.first(
                table, workspace, DAYS_DRAWN, order="day_date desc", where=condition
            ).rows
            if days.num_rows > 1:
                specifications.append(draw(days))
    except (OctaneFlowsError, duckdb.Error) as error:
        return replace(section, problem=problem_of(error))
    return replace(section, specifications=tuple(filter(None, specifications)))


def _rows(
    answers: StoredAnswers, workspace: str, place: str, slug: str, title: str, question: str,
    where: str, limit: int, zone: ZoneInfo,
) -> Section:  # fmt: skip
    section = Section(f"{slug}-{place}", slug, title, question, method=f"method-{slug}")
    view = GRAVE_VIEW if slug == "grave_defects" else view_of(slug)
    meanings: dict[str, str] = {}
    try:
        if slug == "grave_defects":
            table = answers.store(GRAVE_TABLE, GRAVE_DEFECTS)
            section = replace(section, method=None)
        else:
            asked = question_named("metric", slug)
            table = answers.table(asked)
            meanings = {column.name: column.meaning for column in asked.columns}
        answer = answers.first(table, workspace, limit, order=view.order, where=where)
    except (OctaneFlowsError, duckdb.Error) as error:
        return replace(section, problem=problem_of(error))
    rows: pa.Table = answer.rows
    return replace(
        section,
        table=shown(
            rows,
            meanings,
            limit,
            row_count=answer.row_count,
            view=replace(view, hidden=(*view.hidden, "release_name", "release_id")),
            zone=zone,
        ),
    )
