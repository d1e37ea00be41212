-- Which automated tests fail now, since when, and in which build did it begin?
-- source: er.automated_results
-- grain: one test in one environment whose newest passed or failed result failed
-- key: workspace_id, test_id, environment_label
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- order: failed_since_at, workspace_id, test_id, environment_label
with outcomes as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        results.test_name,
        results.result_at,
        results.run_id,
        results.build_id,
        results.build_name,
        results.error_type,
        results.error_message,
        results.native_status_code = 'list_node.run_native_status.failed' as has_failed,
        row_number() over (
            partition by results.workspace_id, results.test_id, results.environment_label
            order by results.result_at desc, results.is_current desc, results.result_id desc
        ) as newness,
    from er.automated_results as results
    where results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        )
        and results.result_at <= er.as_of($as_of)
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

last_passes as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_label,
        min(outcomes.newness) filter (where not outcomes.has_failed) as newness,
        max(outcomes.result_at) filter (where not outcomes.has_failed) as last_passed_at,
    from outcomes
    group by outcomes.workspace_id, outcomes.test_id, outcomes.environment_label
)

select
    failures.workspace_id, -- workspace that the test belongs to
    failures.test_id, -- test that fails
    failures.environment_label, -- environment tags in which it fails
    min_by(failures.test_name, failures.newness)
        as test_name, -- name of the test, the newest that is known
    count(*) as failed_in_a_row_count, -- failed results since the last pass
    min(failures.result_at) as failed_since_at, -- when the first of them began (UTC)
    round(
        date_diff('second', min(failures.result_at), max(er.as_of($as_of))) / 3600, 1
    ) as failure_age_hours, -- hours from there to as_of
    arg_max_null(failures.build_id, failures.newness)
        as first_failed_build_id, -- build of the first one; null when none is known
    arg_max_null(failures.build_name, failures.newness)
        as first_failed_build_name, -- name or number of that build
    max(last_passes.last_passed_at)
        as last_passed_at, -- when the last pass began (UTC); null when none is known
    arg_min_null(failures.run_id, failures.newness)
        as last_failed_run_id, -- run of the newest failure
    arg_min_null(failures.error_type, failures.newness)
        as error_type, -- class of its error; null when it has none
    arg_min_null(failures.error_message, failures.newness)
        as error_message, -- message of its error; null when it has none
    er.item_url('test', failures.workspace_id, failures.test_id)
        as test_url -- where Octane shows the test
from outcomes as failures
join last_passes
    on last_passes.workspace_id = failures.workspace_id
    and last_passes.test_id = failures.test_id
    and last_passes.environment_label = failures.environment_label
where failures.newness < coalesce(last_passes.newness, 9223372036854775807)
group by failures.workspace_id, failures.test_id, failures.environment_label
