-- Which builds brought many new failures at once?
-- source: er.automated_results
-- grain: one build in one environment in which many tests began to fail
-- key: workspace_id, build_id, environment_label
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- length of the window; null means the whole history
-- param: new_failures integer = 3 -- tests that must begin to fail in the build
-- order: result_at desc, workspace_id, build_id, environment_label
with outcomes as (
    select
        results.workspace_id,
        results.build_id,
        results.environment_label,
        results.build_name,
        results.pipeline_name,
        results.test_id,
        results.result_at,
        results.native_status_code = 'list_node.run_native_status.failed' as has_failed,
        lag(results.native_status_code = 'list_node.run_native_status.failed') over (
            partition by results.workspace_id, results.test_id, results.environment_label
            order by results.result_at, results.is_current, results.result_id
        ) as had_failed_before,
    from er.automated_results as results
    where results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        )
        and results.build_id is not null
        and results.result_at <= er.as_of($as_of)
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

builds as (
    select
        outcomes.workspace_id,
        outcomes.build_id,
        outcomes.environment_label,
        any_value(outcomes.build_name) as build_name,
        any_value(outcomes.pipeline_name) as pipeline_name,
        min(outcomes.result_at) as result_at,
        count(*) as result_count,
        count(*) filter (where outcomes.has_failed) as failed_count,
        count(distinct outcomes.test_id) filter (
            where outcomes.has_failed and not outcomes.had_failed_before
        ) as new_failure_count,
    from outcomes
    group by outcomes.workspace_id, outcomes.build_id, outcomes.environment_label
)

select
    builds.workspace_id, -- workspace that the build belongs to
    builds.build_id, -- build that brought the failures; the build may be gone
    builds.environment_label, -- environment tags of the results
    builds.build_name, -- name or number of the build
    builds.pipeline_name, -- pipeline that reported it
    builds.result_at, -- when the first of its results began (UTC)
    builds.result_count, -- passed and failed results of the build
    builds.failed_count, -- failed ones among them
    builds.new_failure_count -- tests that had passed the time before
from builds
where builds.new_failure_count >= $new_failures
    and (
        $days is null
        or builds.result_at > er.as_of($as_of) - to_days(cast($days as integer))
    )
