"""What the report says: which questions stand on which page, and their answers.

A warehouse connection in, `Page` records out; `report_page` renders them. A metric is shown as
soon as it is named in `METRIC_AREAS`; `shown_columns` may give it a heading and deciding columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from octane_flows.changes import ChangeList, read_changes
from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import Question, list_questions, partial_answer, question_named
from octane_flows.reports.default_charts import (
    BARS_SHOWN,
    CHARTS,
    CHARTS_OF_ALL_ROWS,
    chart_specifications,
)
from octane_flows.reports.draw_pictures import Picture, draw_pictures
from octane_flows.reports.report_data import (
    comparisons_section,
    method_section,
    quality,
    relationships,
)
from octane_flows.reports.report_parts import Group, Page, Section
from octane_flows.reports.report_releases import release_pages
from octane_flows.reports.report_tables import UTC_ZONE, shown
from octane_flows.reports.report_today import (
    GRAVE_DEFECTS,
    GRAVE_TABLE,
    GRAVE_VIEW,
    headlines,
    people,
)
from octane_flows.reports.shown_columns import view_of
from octane_flows.reports.stored_answers import StoredAnswers

ROWS_SHOWN = 50  # a page is read, not searched: the command for all rows stands beside it
FEWEST_ROWS = 5
MOST_WORKSPACES = 20  # with pages of their own; the overview has all
WORKSPACES_DRAWN = 4  # of more workspaces the tables alone are shown
#: Answers of few rows and many facts stand on their side: a column a row, so many of them.
SIDEWAYS: Mapping[str, int] = {"release_readiness": 4}
#: Questions of which fewer rows are shown: the first page of a morning is short.
SHORT: Mapping[str, int] = {**SIDEWAYS, "triage": 15}

#: Which metrics stand on which page, in reading order; a test holds it to the metrics there are.
METRIC_AREAS: dict[str, tuple[str, ...]] = {
    "Today": ("changes", "triage"),
    "Release": (
        "release_readiness",
        "release_forecast",
        "execution_progress",
        "burn_up",
        "sprint_progress",
        "lead_times",
        "cycle_times",
        "time_in_phase",
        "phase_transitions",
    ),
    "Tests": (
        "test_states",
        "current_failures",
        "failure_clusters",
        "flaky_tests",
        "slow_tests",
        "problematic_tests",
        "failure_bursts",
        "results_per_week",
        "test_repair_times",
        "failing_tests",
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

#: Metrics that no page shows as rows: rows for other metrics to read, and the history of an entity
#: that is named when it is asked for.
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

    def suffix(self, workspace: str) -> str:
        """What tells the addresses of a workspace's pages apart; nothing where there is one."""
        return f"-{workspace}" if len(self.workspaces) > 1 else ""


def pages(
    connection: duckdb.DuckDBPyConnection, comparisons: list[dict[str, Any]], choice: Choice
) -> list[Page]:
    """All pages in reading order; `comparisons` with the live server, if there were any."""
    answers = StoredAnswers(connection, list(choice.workspaces))
    changes = _changes(connection, choice)
    shown_workspaces = choice.workspaces[:MOST_WORKSPACES]
    by_workspace: dict[str, list[Page]] = {
        workspace: _first_pages(answers, workspace, choice, changes)
        for workspace in shown_workspaces
    }
    sections = _sections(connection, answers, choice)
    everything: list[Page] = []
    for workspace in shown_workspaces:
        today, *releases = by_workspace[workspace]
        everything += [
            _with_sections(today, sections[workspace]),
            *_workspace_pages(sections[workspace], workspace, choice, releases, answers),
        ]
    return [
        *_overview(by_workspace, choice),
        *everything,
        *_common(connection, comparisons, choice),
    ]


def _with_sections(today: Page, sections: Mapping[str, Section]) -> Page:
    """Today with its questions between the changes and the people."""
    changes, people_section = today.sections
    asked = (sections[slug] for slug in METRIC_AREAS["Today"] if slug != "changes")
    return replace(today, groups=(Group("", "", (changes, *asked, people_section)),))


def _changes(
    connection: duckdb.DuckDBPyConnection, choice: Choice
) -> ChangeList | OctaneFlowsError:
    since = choice.as_of - timedelta(days=1)
    try:
        gap = partial_answer(connection, question_named("metric", "changes"))
        return read_changes(
            connection, since, choice.as_of, zone=choice.zone, since_text="yesterday",
            gaps=[gap] if gap else [],
        )  # fmt: skip
    except OctaneFlowsError as error:
        return error


def _first_pages(
    answers: StoredAnswers,
    workspace: str,
    choice: Choice,
    changes: ChangeList | OctaneFlowsError,
) -> list[Page]:
    """Today, then the releases under way."""
    suffix = choice.suffix(workspace)
    section = Section(
        id=f"changes{suffix}",
        slug="changes",
        title="Changes since yesterday",
        question="What changed in the 24 hours before the extract?",
        command="octane-flows changes --since yesterday",
        method="method-changes",
    )
    if isinstance(changes, OctaneFlowsError):
        mine, section = None, replace(section, problem=str(changes))
    else:
        own = tuple(change for change in changes.changes if change.workspace_id == workspace)
        mine = replace(changes, changes=own)
        section = replace(section, question=mine.period)
    today = Page(
        id=f"today{suffix}",
        title="Today",
        workspace=workspace,
        groups=(Group("", "", (section, people(answers, workspace, suffix))),),
        headlines=headlines(answers, workspace, suffix),
        changes=mine,
    )
    return [
        today,
        *release_pages(
            answers, workspace, suffix, as_of=choice.as_of, rows=choice.rows, zone=choice.zone,
            doubts=(choice.doubts or {}).get(workspace, ()),
        ),
    ]  # fmt: skip


def _sections(
    connection: duckdb.DuckDBPyConnection, answers: StoredAnswers, choice: Choice
) -> dict[str, dict[str, Section]]:
    """By workspace and slug the sections of all questions; each is evaluated a single time."""
    sections: dict[str, dict[str, Section]] = {workspace: {} for workspace in choice.workspaces}
    metrics = {metric.slug: metric for metric in list_questions("metric")}
    shown_metrics = [
        metrics[slug] for slugs in METRIC_AREAS.values() for slug in slugs if slug != "changes"
    ]
    for question in (*shown_metrics, *list_questions("flow")):
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
        return replace(section, problem=str(error).splitlines()[0])
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


def _workspace_pages(
    sections: Mapping[str, Section],
    workspace: str,
    choice: Choice,
    releases: list[Page],
    answers: StoredAnswers,
) -> list[Page]:
    """The pages of a workspace behind Today."""
    suffix = choice.suffix(workspace)
    made: list[Page] = []
    for title, slugs in METRIC_AREAS.items():
        if title == "Today":
            continue
        chosen = tuple(sections[slug] for slug in slugs)
        if title == "Defects":
            chosen = (_grave_section(answers, workspace, choice), *chosen)
        links = tuple((page.id, page.title) for page in releases) if title == "Release" else ()
        groups = (Group("", "", chosen),)
        made.append(Page(f"{title.lower()}{suffix}", title, workspace, groups, links=links))
        made += releases if title == "Release" else []
    flows = list_questions("flow")
    documented = tuple(sections[flow.slug] for flow in flows if flow.is_documented)
    own = tuple(sections[flow.slug] for flow in flows if not flow.is_documented)
    flow_groups = [Group(f"documented-flows{suffix}", "The documented flows", documented)]
    if own:
        flow_groups.append(Group(f"flows-of-your-own{suffix}", "Flows of your own", own))
    return [*made, Page(f"flows{suffix}", "Flows", workspace, tuple(flow_groups))]


def _grave_section(answers: StoredAnswers, workspace: str, choice: Choice) -> Section:
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
        return replace(section, problem=str(error).splitlines()[0])
    table = shown(
        answer.rows, {}, choice.rows, row_count=answer.row_count, view=GRAVE_VIEW, zone=choice.zone
    )
    return replace(section, table=table)


def _overview(by_workspace: Mapping[str, list[Page]], choice: Choice) -> list[Page]:
    """The headlines of all workspaces side by side, where there are several."""
    if len(choice.workspaces) <= 1:
        return []
    firsts = [made[0] for made in by_workspace.values()]
    names = [headline.words.capitalize() for headline in firsts[0].headlines]
    rows = pa.Table.from_pylist(
        [
            {
                "workspace_name": page.workspace,
                "workspace_url": f"#{page.id}",
                **{
                    f"headline_{place}_count": headline.count
                    for place, headline in enumerate(page.headlines)
                },
            }
            for page in firsts
        ]
    )
    table = shown(rows, {}, MOST_WORKSPACES)
    headings = [
        replace(heading, title=title)
        for heading, title in zip(table.headings, ["Workspace", *names], strict=True)
    ]
    left_out = len(choice.workspaces) - len(firsts)
    note = (
        f"{left_out:,} further workspaces have no pages here; a warehouse of their own "
        "(OCTANE_WAREHOUSE_WORKSPACES) has."
        if left_out
        else ""
    )
    section = Section(
        id="workspaces",
        slug="workspaces",
        title="Workspaces",
        question="Where is something to do?",
        note=note,
        table=replace(table, headings=headings),
    )
    return [Page("overview", "Overview", None, (Group("", "", (section,)),))]


def _common(
    connection: duckdb.DuckDBPyConnection, comparisons: list[dict[str, Any]], choice: Choice
) -> list[Page]:
    """The pages about the data and the methods, for all workspaces."""
    metrics = {metric.slug: metric for metric in list_questions("metric")}
    asked = [metrics[slug] for slugs in METRIC_AREAS.values() for slug in slugs]
    methods = tuple(
        method_section(connection, question) for question in (*asked, *list_questions("flow"))
    )
    data = (comparisons_section(comparisons, choice.zone), *quality(connection, choice.zone))
    return [
        Page("data", "Data", None, (Group("", "", data),)),
        Page(
            "method",
            "Method",
            None,
            (
                Group("questions", "Queries and tables behind the answers", methods),
                Group("entity-relationships", "Entity relationships", relationships(connection)),
            ),
            is_method=True,
        ),
    ]


def with_pictures(made: Sequence[Page]) -> list[Page]:
    """The pages with their pictures drawn, all of them in one process."""
    sections = [section for page in made for section in page.sections]
    drawn = iter(draw_pictures([text for section in sections for text in section.specifications]))
    return [
        replace(
            page,
            groups=tuple(
                replace(
                    group,
                    sections=tuple(
                        replace(
                            section,
                            pictures=(
                                *section.pictures,
                                *islice(drawn, len(section.specifications)),
                            ),
                        )
                        for section in group.sections
                    ),
                )
                for group in page.groups
            ),
        )
        for page in made
    ]
