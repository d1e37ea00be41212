-- Which automated tests fail now, since when, and in which build did it begin?
-- source: metric.test_outcomes
-- grain: one test in one environment and pipeline whose newest passed or failed outcome failed
-- key: workspace_id, test_id, environment_ids, pipeline_id, pipeline_name
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: stale_days integer = 30 -- a test without a result for longer than this is stale
-- note: definition: of our own: failing as long as the newest passed or failed outcome failed
-- note: not told apart: a test that was removed, and one that is not run any more: both are stale;
--     a defect of the test, and one of the product
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; a build in which the last retry passed is no failure
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: skipped since the failure is muted; no result of any status for stale_days is stale,
--     also where it was skipped last
-- note: renames: a test keeps its failure by its id, and is shown with the newest name that is
--     known
-- order: state_code, failed_since_at, workspace_id, test_id, environment_ids, pipeline_id,
--    pipeline_name
with outcomes as (
    select
        outcomes.*,
        count(*) filter (where outcomes.is_conclusive) over until_then as conclusive_number,
        count(*) filter (where outcomes.is_conclusive) over series as conclusive_count,
        count(*) filter (where outcomes.is_conclusive and not outcomes.has_failed)
            over until_then as pass_number,
        count(*) filter (where outcomes.is_conclusive and not outcomes.has_failed)
            over series as pass_count,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as outcomes
    window
        series as (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
        ),
        until_then as (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
            order by outcomes.outcome_number
        )
),

dated as (
    select
        outcomes.*,
        max(outcomes.outcome_at) over series as last_result_at,
        max(outcomes.outcome_at) filter (
            where outcomes.is_conclusive and not outcomes.has_failed
        ) over series as last_passed_at,
        min(outcomes.outcome_at) filter (
            where outcomes.native_status_code = 'list_node.run_native_status.skipped'
                and outcomes.conclusive_number = outcomes.conclusive_count
        ) over series as skipped_since_at,
        first_value(outcomes.native_status_code) over (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
            order by outcomes.outcome_number desc
        ) as last_status_code,
    from outcomes
    window series as (
        partition by
            outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids, outcomes.pipeline_key
    )
),

failures as (
    select
        dated.workspace_id,
        dated.test_id,
        dated.environment_ids,
        dated.pipeline_key,
        any_value(dated.pipeline_id) as pipeline_id,
        any_value(dated.environment_label) as environment_label,
        max_by(dated.pipeline_name, dated.outcome_number) as pipeline_name,
        max_by(dated.test_name, dated.outcome_number) as test_name,
        count(*) as failed_in_a_row_count,
        min(dated.outcome_at) as failed_since_at,
        arg_min_null(dated.build_id, dated.outcome_number) as first_failed_build_id,
        arg_min_null(dated.build_name, dated.outcome_number) as first_failed_build_name,
        any_value(dated.last_passed_at) as last_passed_at,
        any_value(dated.last_result_at) as last_result_at,
        any_value(dated.skipped_since_at) as skipped_since_at,
        any_value(dated.last_status_code) as last_status_code,
        arg_max_null(dated.run_id, dated.outcome_number) as last_failed_run_id,
        arg_max_null(dated.error_type, dated.outcome_number) as error_type,
        arg_max_null(dated.error_message, dated.outcome_number) as error_message,
    from dated
    where dated.has_failed
        and dated.pass_number = dated.pass_count
    group by dated.workspace_id, dated.test_id, dated.environment_ids, dated.pipeline_key
)

select
    failures.workspace_id, -- workspace that the test belongs to
    failures.test_id, -- test that fails
    failures.environment_ids, -- ids of the environment tags, with commas; null without tags
    failures.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    failures.environment_label, -- environment tags in which it fails
    failures.pipeline_name, -- name of the pipeline
    case
        when failures.last_result_at
            < er.as_of($as_of) - to_days(cast($stale_days as integer)) then 'stale'
        when failures.last_status_code = 'list_node.run_native_status.skipped' then 'muted'
        else 'failing'
    end as state_code, -- failing; muted: skipped since; stale: no result for stale_days
    failures.test_name, -- name of the test, the newest that is known
    failures.failed_in_a_row_count, -- failed outcomes since the last pass
    failures.failed_since_at, -- when the first of them began (UTC)
    round(date_diff('second', failures.failed_since_at, er.as_of($as_of)) / 3600, 1)
        as failure_age_hours, -- hours from there to as_of
    failures.first_failed_build_id, -- build of the first one; null when none is known
    failures.first_failed_build_name, -- name or number of that build
    failures.last_passed_at, -- when the last pass began (UTC); null when none is known
    failures.last_result_at, -- when the newest result of any status began (UTC)
    failures.skipped_since_at, -- when it was first skipped after the newest failure (UTC)
    failures.last_failed_run_id, -- run of the newest failure
    failures.error_type, -- class of its error; null when it has none
    failures.error_message, -- message of its error; null when it has none
    er.item_url('test', failures.workspace_id, failures.test_id)
        as test_url -- where Octane shows the test
from failures
