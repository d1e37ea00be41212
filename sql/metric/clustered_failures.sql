-- Which failure cluster does each test that fails now belong to, and is the test flaky?
-- source: metric.current_failures, metric.test_states, er.automated_results
-- grain: one test in one environment and pipeline whose newest passed or failed outcome failed
-- key: workspace_id, test_id, environment_ids, pipeline_key
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: failure_states text = 'failing' -- some of failing, muted, stale: with commas
-- param: stale_days integer = 30 -- a test without a result for longer than this is stale
-- note: definition: of our own: the cluster is that of the newest failure's error text in
--     failure_clusters, flaky is the state of test_states
-- note: not told apart: what failure_clusters does not tell apart; a test that failed with another
--     text before keeps the time and build of its first failure
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart
-- note: environments: each set of environment tags is a series, by ids
-- note: gaps: as in current_failures
-- note: renames: a test keeps its failure by its id, and is shown with the newest name that is
--     known
-- order: workspace_id, cluster_id, failed_since_at, test_id, environment_ids, pipeline_key
with failures as (
    select
        failures.*,
        coalesce(failures.pipeline_id, 'name ' || failures.pipeline_name) as pipeline_key,
    from metric.current_failures(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        stale_days := $stale_days
    ) as failures
    where er.is_listed(failures.state_code, $failure_states)
),

last_results as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_ids,
        coalesce(results.pipeline_id, 'name ' || results.pipeline_name) as pipeline_key,
        results.result_at,
        results.error_type,
        results.error_message,
        results.error_details,
    from er.automated_results as results
    where results.native_status_code = 'list_node.run_native_status.failed'
        and results.result_at <= er.as_of($as_of)
        and ($workspace_id is null or results.workspace_id = $workspace_id)
    qualify row_number() over (
        partition by
            results.workspace_id, results.test_id, results.environment_ids,
            coalesce(results.pipeline_id, 'name ' || results.pipeline_name)
        order by
            results.result_at desc, results.is_current desc, length(results.result_id) desc,
            results.result_id desc
    ) = 1
),

clustered as (
    select
        failures.*,
        last_results.result_at as last_failed_at,
        er.error_pattern(
            last_results.error_type, last_results.error_message, last_results.error_details
        ) as error_pattern,
    from failures
    join last_results
        on last_results.workspace_id = failures.workspace_id
        and last_results.test_id = failures.test_id
        and last_results.environment_ids is not distinct from failures.environment_ids
        and last_results.pipeline_key is not distinct from failures.pipeline_key
),

flaky_tests as (
    select
        states.workspace_id,
        states.test_id,
        states.environment_ids,
        states.pipeline_key,
    from metric.test_states(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        stale_days := $stale_days,
        state_codes := 'flaky'
    ) as states
)

select
    clustered.workspace_id, -- workspace that the test belongs to
    clustered.test_id, -- test that fails
    clustered.environment_ids, -- ids of the environment tags, with commas; null without tags
    clustered.pipeline_key, -- pipeline's id, or 'name ' and its name; null: none is known
    left(md5(clustered.error_pattern), 12) as cluster_id, -- its cluster in failure_clusters
    clustered.error_pattern, -- error text, with what varies masked; <no text> where there is none
    clustered.state_code, -- failing; muted: skipped since; stale: no result for stale_days
    flaky_tests.test_id is not null as is_flaky, -- whether test_states calls it flaky now
    clustered.test_name, -- name of the test, the newest that is known
    clustered.environment_label, -- environment tags in which it fails
    clustered.pipeline_name, -- name of the pipeline
    clustered.failed_since_at, -- when the first failure since the last pass began (UTC)
    clustered.first_failed_build_id, -- build of that failure; null when none is known
    clustered.first_failed_build_name, -- name or number of that build
    clustered.last_failed_at, -- when the newest failure began (UTC)
    clustered.last_failed_run_id, -- run of the newest failure
    clustered.error_message, -- message of its error; null when it has none
    clustered.test_url -- where Octane shows the test
from clustered
left join flaky_tests
    on flaky_tests.workspace_id = clustered.workspace_id
    and flaky_tests.test_id = clustered.test_id
    and flaky_tests.environment_ids is not distinct from clustered.environment_ids
    and flaky_tests.pipeline_key is not distinct from clustered.pipeline_key
