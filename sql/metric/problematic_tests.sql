-- Which automated tests fall under one of Octane's five rules for problematic tests?
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/UserGuide/problematic-tests.htm
-- source: er.automated_results, taken by test and environment instead of by pipeline
-- grain: one rule that holds for one test in one environment
-- key: workspace_id, test_id, environment_label, problem_code
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: failing_runs integer = 8 -- continuously failing: that many newest results failed
-- param: oscillating_runs integer = 8 -- oscillating: that many newest results are looked at
-- param: oscillating_changes integer = 4 -- oscillating: changes between passed and failed in them
-- param: regression_runs integer = 4 -- regression: results that there must be at least
-- param: regression_passes integer = 2 -- regression: passes just before the newest, failed result
-- param: skipped_runs integer = 8 -- continuously skipped: that many newest results are skipped
-- param: unstable_runs integer = 50 -- unstable: that many newest results are looked at
-- param: unstable_failures integer = 5 -- unstable: single failures between two passes in them
-- order: workspace_id, problem_code, test_id, environment_label
with results as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        results.test_name,
        results.native_status_code,
        results.result_at,
        results.result_id,
        row_number() over (
            partition by results.workspace_id, results.test_id, results.environment_label
            order by results.result_at desc, results.is_current desc, results.result_id desc
        ) as newness,
    from er.automated_results as results
    where results.result_at <= er.as_of($as_of)
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

-- skipped results do not interrupt a series, unless they are its end
outcomes as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        results.native_status_code = 'list_node.run_native_status.failed' as has_failed,
        row_number() over series as newness,
        lead(results.native_status_code = 'list_node.run_native_status.failed') over series
            as had_failed_before,
        lag(results.native_status_code = 'list_node.run_native_status.failed') over series
            as has_failed_after,
    from results
    where results.native_status_code in (
        'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
    )
    window series as (
        partition by results.workspace_id, results.test_id, results.environment_label
        order by results.newness
    )
),

skips as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        max_by(results.test_name, results.result_at) as test_name,
        max(results.result_at) as last_result_at,
        bool_or(
            results.newness = 1
            and results.native_status_code = 'list_node.run_native_status.skipped'
        ) as is_skipped_now,
        count(*) filter (
            where results.newness <= $skipped_runs
                and results.native_status_code = 'list_node.run_native_status.skipped'
        ) as skipped_count,
    from results
    group by results.workspace_id, results.test_id, results.environment_label
),

series_counts as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_label,
        count(*) as outcome_count,
        count(*) filter (where outcomes.newness <= $failing_runs and outcomes.has_failed)
            as failed_count,
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
    group by outcomes.workspace_id, outcomes.test_id, outcomes.environment_label
),

judged as (
    select
        skips.workspace_id,
        skips.test_id,
        skips.environment_label,
        skips.test_name,
        skips.last_result_at,
        case
            when not skips.is_skipped_now and counts.failed_count = $failing_runs
                then counts.failed_count
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
                then counts.pass_count_before
        end as regression,
        case
            when skips.skipped_count = $skipped_runs then skips.skipped_count
        end as continuously_skipped,
        case
            when not skips.is_skipped_now and counts.single_failure_count >= $unstable_failures
                then counts.single_failure_count
        end as unstable,
    from skips
    left join series_counts as counts
        on counts.workspace_id = skips.workspace_id
        and counts.test_id = skips.test_id
        and counts.environment_label = skips.environment_label
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
    problems.environment_label, -- environment tags in which it has the problem
    'list_node.run_problem.' || problems.problem as problem_code, -- logical name of the problem
    problems.test_name, -- name of the test
    problems.evidence_count, -- failures, changes, passes before, skips or single failures counted
    problems.last_result_at, -- when its newest result began (UTC)
    er.item_url('test', problems.workspace_id, problems.test_id)
        as test_url -- where Octane shows the test
from problems
