-- Which automated tests fail now, since when, and in which build did it begin?
-- source: er.automated_results
-- grain: one test in one environment whose newest passed or failed result failed
-- key: workspace_id, test_id, environment_label
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- order: failed_since_at, workspace_id, test_id, environment_label
with window_ends as (
    select coalesce($as_of, generation.as_of) as window_end_at
    from meta.generation as generation
),

outcomes as (
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
    cross join window_ends
    where results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        )
        and results.result_at <= window_ends.window_end_at
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

last_passes as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_label,
        min(outcomes.newness) filter (where not outcomes.has_failed) as newness,
        max_by(outcomes.result_at, -outcomes.newness) filter (where not outcomes.has_failed)
            as last_passed_at,
    from outcomes
    group by outcomes.workspace_id, outcomes.test_id, outcomes.environment_label
    having bool_or(outcomes.newness = 1 and outcomes.has_failed)
)

select
    failures.workspace_id, -- workspace that the test belongs to
    failures.test_id, -- test that fails
    failures.environment_label, -- environment tags in which it fails
    max_by(failures.test_name, -failures.newness) as test_name, -- name of the test
    count(*) as failed_in_a_row_count, -- failed results since the last pass
    min_by(failures.result_at, -failures.newness)
        as failed_since_at, -- when the first of them began (UTC)
    round(
        date_diff(
            'second',
            min_by(failures.result_at, -failures.newness),
            any_value(window_ends.window_end_at)
        ) / 3600,
        1
    ) as failure_age_hours, -- hours from there to as_of
    min_by(failures.build_id, -failures.newness) as first_failed_build_id, -- build of the first one
    min_by(failures.build_name, -failures.newness)
        as first_failed_build_name, -- name or number of that build
    max(last_passes.last_passed_at)
        as last_passed_at, -- when the last pass began (UTC); null when none is known
    max_by(failures.run_id, -failures.newness) as last_failed_run_id, -- run of the newest failure
    max_by(failures.error_type, -failures.newness) as error_type, -- class of its error
    max_by(failures.error_message, -failures.newness) as error_message, -- message of its error
    er.item_url('test', failures.workspace_id, failures.test_id)
        as test_url -- where Octane shows the test
from outcomes as failures
cross join window_ends
join last_passes
    on last_passes.workspace_id = failures.workspace_id
    and last_passes.test_id = failures.test_id
    and last_passes.environment_label = failures.environment_label
where failures.newness < coalesce(last_passes.newness, 9223372036854775807)
group by failures.workspace_id, failures.test_id, failures.environment_label
