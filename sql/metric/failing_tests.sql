-- Which tests failed most often, over current and replaced results?
-- source: er.runs, er.tests, er.previous_runs
-- grain: one test with at least one failed automated result
-- key: workspace_id, test_id
with failures as (
    select
        runs.workspace_id,
        runs.test_id,
        tests.test_name,
        runs.started_at,
    from er.runs as runs
    left join er.tests as tests
        on tests.workspace_id = runs.workspace_id
        and tests.test_id = runs.test_id
    where runs.native_status_code = 'list_node.run_native_status.failed'
        and runs.run_type in ('run_automated', 'gherkin_automated_run')
    union all by name
    select
        previous_runs.workspace_id,
        previous_runs.test_id,
        previous_runs.test_name,
        previous_runs.started_at,
    from er.previous_runs as previous_runs
    where previous_runs.native_status_code = 'list_node.run_native_status.failed'
)

select
    failures.workspace_id, -- workspace that the test belongs to
    failures.test_id, -- test that failed; it may be gone
    max_by(failures.test_name, failures.started_at) as test_name, -- its name when it failed last
    count(*) as failed_count, -- failed results
    max(failures.started_at) as last_failed_at -- start of the newest failed result (UTC)
from failures
group by failures.workspace_id, failures.test_id
