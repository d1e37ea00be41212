"""The page Today: true headlines, who has what to do, and what changed since yesterday.

Stored answers in; headlines and a section about people out. `report_content` calls it. A headline
counts tests and defects and not rows, says its rule, and leads to the rows that it counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import duckdb

from octane_flows.errors import OctaneFlowsError
from octane_flows.questions import question_named
from octane_flows.reports.report_parts import Headline, Section
from octane_flows.reports.report_tables import shown
from octane_flows.reports.shown_columns import GRAVE, GRAVE_WORDS, SEVERITY_ORDER, View
from octane_flows.reports.stored_answers import StoredAnswers, problem_of

PEOPLE_SHOWN: Final = 50
GRAVE_TABLE: Final = "report_grave_defects"
#: The defects that hold a release up: the same rule as in release_readiness and the gate.
GRAVE_DEFECTS: Final = f"""
select
    defects.workspace_id,
    defects.defect_id,
    defects.severity_code,
    defects.severity_label,
    defects.defect_name,
    date_diff('day', defects.created_at, er.as_of(null)) as age_days,
    defects.owner_name,
    defects.release_id,
    defects.release_name,
    defects.phase_label,
    defects.created_at,
    er.item_url('work_item', defects.workspace_id, defects.defect_id) as defect_url
from er.defects as defects
left join er.phases as phases
    on phases.workspace_id = defects.workspace_id
    and phases.phase_code = defects.phase_code
    and phases.entity_type = 'defect'
where defects.severity_code in {GRAVE}
    and phases.metaphase_code is distinct from 'metaphase.work_item.done'
order by {SEVERITY_ORDER}, defects.created_at desc, defects.workspace_id, defects.defect_id
"""
GRAVE_VIEW: Final = View(
    "Open defects, high or worse",
    ("severity_label", "defect_name", "age_days", "owner_name", "release_name", "phase_label"),
)
#: A test counts once, in the worst state of its environments and pipelines.
FAILING: Final = """
select
    count(*) filter (where state_rank = 1),
    count(*) filter (where state_rank = 2),
    count(*) filter (where state_rank = 3)
from (
    select
        min(case state_code when 'failing' then 1 when 'muted' then 2 else 3 end) as state_rank
    from {table}{rest}
    group by workspace_id, test_id
)
"""
UNTRUSTED: Final = """
select
    count(*) filter (where state_rank = 1),
    count(*) filter (where state_rank = 2)
from (
    select min(case state_code when 'broken' then 1 when 'flaky' then 2 end) as state_rank
    from {table}{rest}
    group by workspace_id, test_id
)
"""
PEOPLE: Final = """
with failing as (
    select distinct workspace_id, test_id
    from {failures}
    where state_code = 'failing'
),

tasks as (
    select failing.workspace_id, tests.owner_name as person, 1 as failing, 0 as overdue,
        0 as grave, 0 as planned
    from failing
    left join er.tests as tests
        on tests.workspace_id = failing.workspace_id and tests.test_id = failing.test_id
    union all
    select workspace_id, owner_name, 0, 0, 1, 0 from {grave}
    union all
    select workspace_id, owner_name, 0, 1, 0, 0 from {overdue}
    union all
    select workspace_id, run_by_name, 0, 0, 0, 1 from {planned}
)

select
    coalesce(person, 'nobody') as person_name,
    sum(failing) as failing_test_count,
    sum(grave) as grave_defect_count,
    sum(overdue) as overdue_defect_count,
    sum(planned) as planned_run_count
from tasks{rest}
group by person
order by sum(failing) desc, sum(grave) desc, sum(overdue) desc, sum(planned) desc, person_name
"""


def headlines(answers: StoredAnswers, workspace: str, suffix: str) -> tuple[Headline, ...]:
    """The numbers of the first screen; what the warehouse cannot tell has none."""
    return (
        _failing(answers, workspace, suffix),
        _untrusted(answers, workspace, suffix),
        _grave(answers, workspace, suffix),
        _rows(
            answers, workspace, suffix, "metric", "overdue", "defects are overdue",
            "older than their severity allows: urgent 2 days, very high 5, high 14, medium 60",
        ),
        _rows(
            answers, workspace, suffix, "flow", "planned_runs", "runs are planned",
            "manual and Gherkin runs and suite runs that nobody has begun",
        ),
    )  # fmt: skip


def _failing(answers: StoredAnswers, workspace: str, suffix: str) -> Headline:
    words, target = "tests fail now", f"current_failures{suffix}"
    try:
        table = answers.table(question_named("metric", "current_failures"))
    except OctaneFlowsError as error:
        return Headline(None, words, problem_of(error), target)
    failing, muted, stale = _numbers(answers, FAILING, table, workspace)
    apart = f"apart from them: {muted:,} muted, {stale:,} stale (no result for 30 days)"
    return Headline(failing, _noun(failing, "test fails now", words), apart, target)


def _untrusted(answers: StoredAnswers, workspace: str, suffix: str) -> Headline:
    words, target = "tests cannot be trusted", f"test_states{suffix}"
    try:
        table = answers.table(question_named("metric", "test_states"))
    except OctaneFlowsError as error:
        return Headline(None, words, problem_of(error), target)
    broken, flaky = _numbers(answers, UNTRUSTED, table, workspace)
    rule = f"{broken:,} broken: 5 failures in a row; {flaky:,} flaky: 3 repairs in 50 outcomes"
    count = broken + flaky
    return Headline(count, _noun(count, "test cannot be trusted", words), rule, target)


def _grave(answers: StoredAnswers, workspace: str, suffix: str) -> Headline:
    words, target = "open defects, high or worse", f"grave_defects{suffix}"
    try:
        table = answers.store(GRAVE_TABLE, GRAVE_DEFECTS)
    except duckdb.Error as error:
        return Headline(None, words, problem_of(error), target)
    count = answers.first(table, workspace, 1).row_count
    return Headline(count, _noun(count, "open defect, high or worse", words), GRAVE_WORDS, target)


def _rows(
    answers: StoredAnswers, workspace: str, suffix: str, kind: str, slug: str, words: str, rule: str
) -> Headline:
    target = f"{slug}{suffix}"
    try:
        table = answers.table(question_named("flow" if kind == "flow" else "metric", slug))
    except OctaneFlowsError as error:
        return Headline(None, words, problem_of(error), target)
    return Headline(answers.first(table, workspace, 1).row_count, words, rule, target)


def _numbers(answers: StoredAnswers, sql: str, table: str, workspace: str) -> tuple[int, ...]:
    condition = answers.of(table, workspace)
    rest = f" where {condition}" if condition else ""
    return tuple(answers.cursor.execute(sql.format(table=table, rest=rest)).fetchall()[0])


def _noun(count: int, single: str, several: str) -> str:
    return single if count == 1 else several


def people(answers: StoredAnswers, workspace: str, suffix: str) -> Section:
    """Who has how much to do; the numbers add up to those of the headlines."""
    section = Section(
        id=f"people{suffix}",
        slug="people",
        title="What needs whom",
        question="Who owns the failing tests and the defects, and who is to run what is planned?",
    )
    try:
        tables = {
            "failures": answers.table(question_named("metric", "current_failures")),
            "overdue": answers.table(question_named("metric", "overdue")),
            "planned": answers.table(question_named("flow", "planned_runs")),
            "grave": answers.store(GRAVE_TABLE, GRAVE_DEFECTS),
        }
        condition = answers.of(tables["failures"], workspace)
        rest = f" where {condition}" if condition else ""
        rows = answers.select(PEOPLE.format(rest=rest, **tables))
    except (OctaneFlowsError, duckdb.Error) as error:
        return replace(section, problem=problem_of(error))
    return replace(section, table=shown(rows, {}, PEOPLE_SHOWN))
