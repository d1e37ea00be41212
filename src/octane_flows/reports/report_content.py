"""What the report says: which questions stand on which page, and their answers.

A warehouse connection in, `Page` records out; `report_page` renders them. A metric is shown as
soon as it is named in `METRIC_AREAS`; `shown_columns` may give it a heading and deciding columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from octane_flows.changes import ChangeList, read_changes
from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import Question, list_questions, partial_answer, question_named
from octane_flows.reports.draw_pictures import draw_pictures
from octane_flows.reports.report_data import (
    comparisons_section,
    method_section,
    quality,
    relationships,
)
from octane_flows.reports.report_parts import Group, Page, Section
from octane_flows.reports.report_releases import release_pages
from octane_flows.reports.report_sections import (
    MOST_WORKSPACES,
    Choice,
    grave_section,
    question_sections,
)
from octane_flows.reports.report_tables import shown
from octane_flows.reports.report_today import headlines, people
from octane_flows.reports.stored_answers import StoredAnswers, problem_of

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
    questions = (*_shown_metrics(), *list_questions("flow"))
    sections = question_sections(connection, answers, questions, choice)
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


def _shown_metrics() -> list[Question]:
    """The metrics that are shown as a table, in reading order; `changes` is shown as a list."""
    metrics = {metric.slug: metric for metric in list_questions("metric")}
    return [metrics[slug] for slugs in METRIC_AREAS.values() for slug in slugs if slug != "changes"]


def _with_sections(today: Page, sections: Mapping[str, Section]) -> Page:
    """Today with its questions between the changes and the people."""
    changes, people_section = today.sections
    questions = (sections[slug] for slug in METRIC_AREAS["Today"] if slug != "changes")
    return replace(today, groups=(Group("", "", (changes, *questions, people_section)),))


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
        problem_of(error)  # raises where the warehouse is damaged
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
            chosen = (grave_section(answers, workspace, choice), *chosen)
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


def _overview(by_workspace: Mapping[str, list[Page]], choice: Choice) -> list[Page]:
    """The headlines of all workspaces side by side, where there are several."""
    if len(choice.workspaces) <= 1:
        return []
    firsts = [made[0] for made in by_workspace.values()]
    names = [headline.words.capitalize() for headline in firsts[0].headlines]
    rows = pa.Table.from_pylist(
        [
            {
                "workspace_name": choice.label(page.workspace or ""),
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
    shown_metrics = [metrics[slug] for slugs in METRIC_AREAS.values() for slug in slugs]
    questions = (*shown_metrics, *list_questions("flow"))
    methods = tuple(method_section(connection, question) for question in questions)
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


def with_comparisons(
    made: Sequence[Page], comparisons: list[dict[str, Any]], zone: ZoneInfo
) -> list[Page]:
    """The pages with other comparisons with the live server."""
    section = comparisons_section(comparisons, zone)
    return _changed_sections(made, lambda each: section if each.id == section.id else each)


def with_pictures(made: Sequence[Page]) -> list[Page]:
    """The pages with their pictures drawn, all of them in one process."""
    sections = [section for page in made for section in page.sections]
    drawn = iter(draw_pictures([text for section in sections for text in section.specifications]))
    return _changed_sections(
        made,
        lambda section: replace(
            section, pictures=(*section.pictures, *islice(drawn, len(section.specifications)))
        ),
    )


def _changed_sections(made: Sequence[Page], change: Callable[[Section], Section]) -> list[Page]:
    """The pages with each section changed, in the order in which they are read."""
    return [
        replace(
            page,
            groups=tuple(
                replace(group, sections=tuple(change(section) for section in group.sections))
                for group in page.groups
            ),
        )
        for page in made
    ]
