-- How many runs were planned, executed and passed on each day, by release and suite run?
-- source: er.runs, er.releases, er.users
-- grain: one day with a run that was planned or executed, of one release and suite run
-- key: workspace_id, release_id, suite_run_id, tester_user_id, day_date
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later days are left out; null means the extract's time
-- param: release_name text = null -- name of the release, * is any text; null: any, or none
-- param: run_types text = 'run_manual,gherkin_automated_run,run_automated' -- kinds, with commas
-- param: by_tester boolean = false -- true: a row for each tester, too
-- note: definition: of our own: planned is each run from its creation on; executed is each that is
--     no longer planned, from its start on, or its last change where no start is known
-- note: not told apart: a run that was executed again, whose earlier result Octane replaces; a run
--     that was deleted, which is counted nowhere
-- note: gaps: a day on which nothing was planned or executed has no row
-- note: past: runs are those of now, so what ran again since counts on the day of its newest
--     result
-- order: workspace_id, release_id, suite_run_id, tester_user_id, day_date
with runs as (
    select
        runs.workspace_id,
        runs.release_id,
        releases.release_name,
        runs.parent_suite_run_id as suite_run_id,
        case when $by_tester then runs.run_by_user_id end as tester_user_id,
        runs.created_at,
        case
            when runs.status_code <> 'list_node.run_status.planned'
                then coalesce(runs.started_at, runs.modified_at)
        end as executed_at,
        runs.status_code,
    from er.runs as runs
    left join er.releases as releases
        on releases.workspace_id = runs.workspace_id
        and releases.release_id = runs.release_id
    where er.is_listed(runs.run_type, $run_types)
        and ($workspace_id is null or runs.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(releases.release_name, $release_name))
),

events as (
    select
        runs.workspace_id,
        runs.release_id,
        runs.release_name,
        runs.suite_run_id,
        runs.tester_user_id,
        cast(runs.created_at as date) as day_date,
        1 as planned,
        0 as executed,
        0 as passed,
    from runs
    where runs.created_at <= er.as_of($as_of)
    union all by name
    select
        runs.workspace_id,
        runs.release_id,
        runs.release_name,
        runs.suite_run_id,
        runs.tester_user_id,
        cast(runs.executed_at as date) as day_date,
        0 as planned,
        1 as executed,
        case when runs.status_code = 'list_node.run_status.passed' then 1 else 0 end as passed,
    from runs
    where runs.executed_at <= er.as_of($as_of)
),

days as (
    select
        events.workspace_id,
        events.release_id,
        events.suite_run_id,
        events.tester_user_id,
        events.day_date,
        any_value(events.release_name) as release_name,
        sum(events.planned) as planned_count,
        sum(events.executed) as executed_count,
        sum(events.passed) as passed_count,
    from events
    group by
        events.workspace_id, events.release_id, events.suite_run_id, events.tester_user_id,
        events.day_date
),

sums as (
    select
        days.*,
        sum(days.planned_count) over until_then as total_planned_count,
        sum(days.executed_count) over until_then as total_executed_count,
        sum(days.passed_count) over until_then as total_passed_count,
    from days
    window until_then as (
        partition by days.workspace_id, days.release_id, days.suite_run_id, days.tester_user_id
        order by days.day_date
    )
)

select
    sums.workspace_id, -- workspace that the runs belong to
    sums.release_id, -- release that they count for; null without one
    sums.suite_run_id, -- suite run that contains them; null outside of suites
    sums.tester_user_id, -- user who runs them; null unless by_tester, or when nobody is named
    sums.day_date, -- day (UTC)
    sums.release_name, -- name of the release
    suite_runs.run_name as suite_run_name, -- name of the suite run
    testers.full_name as tester_name, -- full name of that user
    cast(sums.planned_count as bigint) as planned_count, -- runs that were created on the day
    cast(sums.executed_count as bigint) as executed_count, -- runs that were executed on the day
    cast(sums.passed_count as bigint) as passed_count, -- those of them that passed
    cast(sums.total_planned_count as bigint) as total_planned_count, -- up to the day
    cast(sums.total_executed_count as bigint) as total_executed_count, -- up to the day
    cast(sums.total_passed_count as bigint) as total_passed_count -- up to the day
from sums
left join er.runs as suite_runs
    on suite_runs.workspace_id = sums.workspace_id
    and suite_runs.run_id = sums.suite_run_id
left join er.users as testers
    on testers.workspace_id = sums.workspace_id
    and testers.user_id = sums.tester_user_id
