-- Which tests failed most often, over current and replaced results?
-- source: er.automated_results
-- grain: one test with at least one failed automated result
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- length of the window; null means the whole history
-- note: definition: of our own: a count of failed results
-- note: not told apart: many failures of one cause, and many causes
-- note: retries: each retry that was reported on its own is a result
-- note: branches: the results of all pipelines count together
-- note: environments: the results of all environments count together
-- note: gaps: a test is listed as long as a failure is in the window, also where it is gone
-- note: renames: counted by the id of the test, shown with its newest name
-- order: failed_count desc, workspace_id, test_id
with results as (
    select
        results.workspace_id,
        results.test_id,
        results.test_name,
        results.native_status_code,
        results.result_at,
        results.is_current,
        results.result_id,
    from er.automated_results as results
    where ($workspace_id is null or results.workspace_id = $workspace_id)
        and results.result_at <= er.as_of($as_of)
        and (
            $days is null
            or results.result_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
)

select
    results.workspace_id, -- workspace that the test belongs to
    results.test_id, -- test that failed; it may be gone
    max_by(
        results.test_name,
        (results.result_at, results.is_current, length(results.result_id), results.result_id)
    ) as test_name, -- its name in the newest result
    count(*) as result_count, -- results of the window, each retry that was reported on its own
    count(*) filter (
        where results.native_status_code = 'list_node.run_native_status.failed'
    ) as failed_count, -- failed ones among them
    max(results.result_at) filter (
        where results.native_status_code = 'list_node.run_native_status.failed'
    ) as last_failed_at, -- when the newest failed result began (UTC)
    er.item_url('test', results.workspace_id, results.test_id)
        as test_url -- where Octane shows the test
from results
group by results.workspace_id, results.test_id
having failed_count > 0
