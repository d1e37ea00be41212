-- Which automated tests fall under one of Octane's five rules for problematic tests?
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/UserGuide/problematic-tests.htm
-- source: metric.test_outcomes
-- grain: one rule that holds for one test in one environment and pipeline
-- key: workspace_id, test_id, environment_ids, pipeline_id, pipeline_name, problem_code
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: stale_days integer = 30 -- a test without a result for longer than this is stale
-- param: failing_runs integer = 8 -- continuously failing: that many newest results failed
-- param: oscillating_runs integer = 8 -- oscillating: that many newest results are looked at
-- param: oscillating_changes integer = 4 -- oscillating: changes between passed and failed in them
-- param: regression_runs integer = 4 -- regression: results that there must be at least
-- param: regression_passes integer = 2 -- regression: passes just before the newest, failed result
-- param: skipped_runs integer = 8 -- continuously skipped: that many newest results are skipped
-- param: unstable_runs integer = 50 -- unstable: that many newest results are looked at
-- param: unstable_failures integer = 5 -- unstable: single failures between two passes in them
-- note: definition: the vendor's five rules (the page above), with their default numbers. The page
--     says 'the last 8 runs' and not what holds before there are 8. Taken here: continuously
--     failing and continuously skipped need all of them to exist, a regression needs
--     regression_runs, and oscillating and unstable count in those that there are
-- note: not told apart: a flaky test, and one that the code breaks and repairs often: both
--     oscillate
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; so a retry is neither a change nor a failure in a row
-- note: branches: a pipeline is a series, as in the vendor's rules; join_pipelines makes one series
--     of all
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: skipped results do not interrupt a series, unless they are its end; is_stale tells a
--     test without a result of any status for stale_days, which comes last
-- note: renames: a test keeps its series by its id
-- order: is_stale, workspace_id, problem_code, test_id, environment_ids, pipeline_id,
--    pipeline_name
with recent_outcomes as (
    select
        results.*,
        row_number() over (
            partition by
                results.workspace_id, results.test_id, results.environment_ids, results.pipeline_key
            order by results.outcome_number desc
        ) as newness,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as results
),

-- skipped results do not interrupt a series, unless they are its end
outcomes as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_ids,
        results.pipeline_key,
        results.has_failed as has_failed,
        row_number() over series as newness,
        lead(results.has_failed) over series
            as had_failed_before,
        lag(results.has_failed) over series
            as has_failed_after,
    from recent_outcomes as results
    where results.is_conclusive
    window series as (
        partition by
            results.workspace_id, results.test_id, results.environment_ids, results.pipeline_key
        order by results.newness
    )
),

skips as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_ids,
        results.pipeline_key,
        any_value(results.pipeline_id) as pipeline_id,
        max_by(results.test_name, results.outcome_number) as test_name,
        any_value(results.environment_label) as environment_label,
        max_by(results.pipeline_name, results.outcome_number) as pipeline_name,
        max(results.outcome_at) as last_result_at,
        bool_or(
            results.newness = 1
            and results.native_status_code = 'list_node.run_native_status.skipped'
        ) as is_skipped_now,
        count(*) filter (
            where results.newness <= $skipped_runs
                and results.native_status_code = 'list_node.run_native_status.skipped'
        ) as skipped_count,
        coalesce(
            min(results.newness) filter (
                where results.native_status_code
                    is distinct from 'list_node.run_native_status.skipped'
            ) - 1,
            count(*)
        ) as skipped_in_a_row_count,
    from recent_outcomes as results
    group by results.workspace_id, results.test_id, results.environment_ids, results.pipeline_key
),

series_counts as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_ids,
        outcomes.pipeline_key,
        count(*) as outcome_count,
        count(*) filter (where outcomes.newness <= $failing_runs and outcomes.has_failed)
            as failed_count,
        -- all up to the newest one of the other kind, or all that there are
        coalesce(min(outcomes.newness) filter (where not outcomes.has_failed) - 1, count(*))
            as failed_in_a_row_count,
        coalesce(
            min(outcomes.newness) filter (where outcomes.newness > 1 and outcomes.has_failed) - 2,
            count(*) - 1
        ) as passed_in_a_row_before_count,
        count(*) filter (
            where outcomes.newness < $oscillating_runs
                and outcomes.has_failed <> outcomes.had_failed_before
        ) as change_count,
        bool_or(outcomes.newness = 1 and outcomes.has_failed) as has_failed_now,
        count(*) filter (
            where outcomes.newness between 2 and $regression_passes + 1
                and not outcomes.has_failed
        ) as pass_count_before,
        count(*) filter (
            where outcomes.newness < $unstable_runs
                and outcomes.has_failed
                and not outcomes.had_failed_before
                and not outcomes.has_failed_after
        ) as single_failure_count,
    from outcomes
    group by
        outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids, outcomes.pipeline_key
),

judged as (
    select
        skips.workspace_id,
        skips.test_id,
        skips.environment_ids,
        skips.pipeline_id,
        skips.test_name,
        skips.environment_label,
        skips.pipeline_name,
        skips.last_result_at,
        case
            when not skips.is_skipped_now and counts.failed_count = $failing_runs
                then counts.failed_in_a_row_count
        end as continuously_failing,
        case
            when not skips.is_skipped_now and counts.change_count >= $oscillating_changes
                then counts.change_count
        end as oscillating,
        case
            when not skips.is_skipped_now
                and counts.has_failed_now
                and counts.outcome_count >= $regression_runs
                and counts.pass_count_before = $regression_passes
                then counts.passed_in_a_row_before_count
        end as regression,
        case
            when skips.skipped_count = $skipped_runs then skips.skipped_in_a_row_count
        end as continuously_skipped,
        case
            when not skips.is_skipped_now and counts.single_failure_count >= $unstable_failures
                then counts.single_failure_count
        end as unstable,
    from skips
    left join series_counts as counts
        on counts.workspace_id = skips.workspace_id
        and counts.test_id = skips.test_id
        and counts.environment_ids is not distinct from skips.environment_ids
        and counts.pipeline_key is not distinct from skips.pipeline_key
),

problems as (
    select
        judged.*,
        'continuously_failing' as problem,
        judged.continuously_failing as evidence_count,
    from judged
    where judged.continuously_failing is not null
    union all by name
    select
        judged.*,
        'oscillating' as problem,
        judged.oscillating as evidence_count,
    from judged
    where judged.oscillating is not null
    union all by name
    select
        judged.*,
        'regression' as problem,
        judged.regression as evidence_count,
    from judged
    where judged.regression is not null
    union all by name
    select
        judged.*,
        'continuously_skipped' as problem,
        judged.continuously_skipped as evidence_count,
    from judged
    where judged.continuously_skipped is not null
    union all by name
    select
        judged.*,
        'unstable' as problem,
        judged.unstable as evidence_count,
    from judged
    where judged.unstable is not null
)

select
    problems.workspace_id, -- workspace that the test belongs to
    problems.test_id, -- test that has the problem
    problems.environment_ids, -- ids of the environment tags, with commas; null without tags
    problems.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    problems.environment_label, -- environment tags in which it has the problem
    problems.pipeline_name, -- name of the pipeline
    'list_node.run_problem.' || problems.problem as problem_code, -- logical name of the problem
    problems.test_name, -- name of the test
    problems.evidence_count, -- failures, passes before or skips in a row; changes; single failures
    problems.last_result_at, -- when its newest result of any status began (UTC)
    problems.last_result_at < er.as_of($as_of) - to_days(cast($stale_days as integer))
        as is_stale, -- whether it has had no result for stale_days
    er.item_url('test', problems.workspace_id, problems.test_id)
        as test_url -- where Octane shows the test
from problems
