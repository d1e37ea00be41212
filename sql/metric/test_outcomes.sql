-- Which outcome had each automated test in each build, with all its results there as one?
-- source: er.automated_results; the last passed or failed result of a build is its outcome
-- grain: one outcome of one test in one environment and pipeline; a result without build is one
-- key: workspace_id, test_id, environment_ids, pipeline_key, outcome_number
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- note: definition: of our own: the last attempt decides, as in Surefire, pytest-rerunfailures and
--     Playwright
-- note: not told apart: a retry, and a second run in the same build with other parameters or for
--     another release; without a build each result is an outcome
-- note: retries: the last passed or failed result of a build decides; is_flaky tells that others
--     differ, or that the report tells of attempts that failed and passed
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: a build without a result of the test is no outcome; one with skipped or other results
--     alone is an outcome that is neither passed nor failed
-- note: renames: a test, an environment and a pipeline with an id keep their series when they are
--     renamed
-- order: workspace_id, test_id, environment_ids, pipeline_key, outcome_number
with results as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_ids,
        case
            when not $join_pipelines
                then coalesce(results.pipeline_id, 'name ' || results.pipeline_name)
        end as pipeline_key,
        case when not $join_pipelines then results.pipeline_id end as pipeline_id,
        results.environment_label,
        results.pipeline_name,
        results.test_name,
        coalesce(results.build_id, results.result_id) as build_key,
        results.build_id,
        results.build_name,
        results.result_id,
        results.is_current,
        results.run_id,
        results.result_at,
        results.duration_ms,
        results.native_status_code,
        results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        ) as is_conclusive,
        results.is_flaky_result,
        results.error_type,
        results.error_message,
    from er.automated_results as results
    where results.result_at <= er.as_of($as_of)
        and ($workspace_id is null or results.workspace_id = $workspace_id)
        and (
            $pipeline_name is null
            or er.name_matches(results.pipeline_name, $pipeline_name)
        )
),

-- ids are numbers: the shorter one is the smaller one
last_results as (
    select
        results.*,
        count(*) over build_results as result_count,
        count(*) filter (
            where results.native_status_code = 'list_node.run_native_status.failed'
        ) over build_results as failed_count,
        count(*) filter (
            where results.native_status_code = 'list_node.run_native_status.passed'
        ) over build_results as passed_count,
        count(*) filter (where results.is_flaky_result) over build_results as flaky_count,
    from results
    window build_results as (
        partition by
            results.workspace_id, results.test_id, results.environment_ids, results.pipeline_key,
            results.build_key
    )
    qualify row_number() over (
        partition by
            results.workspace_id, results.test_id, results.environment_ids, results.pipeline_key,
            results.build_key
        order by
            results.is_conclusive desc, results.result_at desc, results.is_current desc,
            length(results.result_id) desc, results.result_id desc
    ) = 1
)

select
    outcomes.workspace_id, -- workspace that the test belongs to
    outcomes.test_id, -- test that was run; it may be gone
    outcomes.environment_ids, -- ids of the environment tags, with commas; null without tags
    outcomes.pipeline_key, -- pipeline's id, or 'name ' and its name; null: none, or all joined
    row_number() over (
        partition by
            outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids, outcomes.pipeline_key
        order by
            outcomes.result_at, outcomes.is_current, length(outcomes.result_id), outcomes.result_id
    ) as outcome_number, -- 1 is the first outcome of the test there that is known
    outcomes.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    outcomes.environment_label, -- environment tags of the results
    outcomes.pipeline_name, -- name of the pipeline
    outcomes.test_name, -- name of the test
    outcomes.build_id, -- build that the outcome is of
    outcomes.build_name, -- name or number of the build
    outcomes.result_at as outcome_at, -- when the result that decides began (UTC)
    outcomes.native_status_code, -- logical name of the outcome
    outcomes.is_conclusive, -- whether it passed or failed
    outcomes.native_status_code = 'list_node.run_native_status.failed'
        as has_failed, -- whether it failed
    outcomes.flaky_count > 0 or (outcomes.failed_count > 0 and outcomes.passed_count > 0)
        as is_flaky, -- whether it failed and passed in the build
    outcomes.result_count, -- results of the test in the build, of any status
    outcomes.failed_count, -- failed ones among them
    outcomes.duration_ms, -- length of the run that decides
    outcomes.run_id, -- run of the result that decides
    outcomes.error_type, -- class of its error
    outcomes.error_message -- message of its error
from last_results as outcomes
