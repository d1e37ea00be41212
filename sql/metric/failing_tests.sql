-- Which tests failed most often, over current and replaced results?
-- source: er.automated_results
-- grain: one test with at least one failed automated result
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- length of the window; null means the whole history
-- order: failed_count desc, workspace_id, test_id
with window_ends as (
    select coalesce($as_of, generation.as_of) as window_end_at
    from meta.generation as generation
),

results as (
    select
        results.workspace_id,
        results.test_id,
        results.test_name,
        results.native_status_code,
        results.result_at,
    from er.automated_results as results
    cross join window_ends
    where ($workspace_id is null or results.workspace_id = $workspace_id)
        and results.result_at <= window_ends.window_end_at
        and (
            $days is null
            or results.result_at > window_ends.window_end_at - to_days(cast($days as integer))
        )
)

select
    results.workspace_id, -- workspace that the test belongs to
    results.test_id, -- test that failed; it may be gone
    max_by(results.test_name, results.result_at) as test_name, -- its name in the newest result
    count(*) as result_count, -- results of the window
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
