-- How long does it take until a failing automated test passes again?
-- source: er.automated_results
-- grain: one test in one environment that failed at least once in the window
-- key: workspace_id, test_id, environment_label
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- length of the window; null means the whole history
-- order: open_hours desc nulls last, mean_repair_hours desc nulls last, workspace_id, test_id,
--    environment_label
with outcomes as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        results.test_name,
        results.result_at,
        results.is_current,
        results.result_id,
        results.native_status_code = 'list_node.run_native_status.failed' as has_failed,
    from er.automated_results as results
    where results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        )
        and results.result_at <= er.as_of($as_of)
        and (
            $days is null
            or results.result_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

-- a failure lasts from its first failed result to the pass after its last one
numbered as (
    select
        outcomes.*,
        count(*) filter (where not outcomes.has_failed) over (
            partition by outcomes.workspace_id, outcomes.test_id, outcomes.environment_label
            order by outcomes.result_at, outcomes.is_current, outcomes.result_id
        ) as pass_number,
    from outcomes
),

failures as (
    select
        numbered.workspace_id,
        numbered.test_id,
        numbered.environment_label,
        numbered.pass_number,
        max_by(numbered.test_name, numbered.result_at) as test_name,
        min(numbered.result_at) as failed_since_at,
    from numbered
    where numbered.has_failed
    group by all
),

ends as (
    select
        failures.*,
        passes.result_at as passed_at,
        -- whole seconds: their mean does not follow the order in which they are summed
        date_diff('second', failures.failed_since_at, passes.result_at) as repair_seconds,
        date_diff('second', failures.failed_since_at, er.as_of($as_of)) / 3600 as open_hours,
    from failures
    left join numbered as passes
        on passes.workspace_id = failures.workspace_id
        and passes.test_id = failures.test_id
        and passes.environment_label = failures.environment_label
        and passes.pass_number = failures.pass_number + 1
        and not passes.has_failed
)

select
    ends.workspace_id, -- workspace that the test belongs to
    ends.test_id, -- test that failed
    ends.environment_label, -- environment tags in which it failed
    max_by(ends.test_name, ends.failed_since_at) as test_name, -- name of the test
    count(*) as failure_count, -- times that it began to fail
    count(ends.passed_at) as repair_count, -- times that it passed again
    avg(ends.repair_seconds) / 3600
        as mean_repair_hours, -- mean time to repair, of repaired failures only
    median(ends.repair_seconds) / 3600 as median_repair_hours, -- half of the repairs took less
    max(ends.repair_seconds) / 3600 as longest_repair_hours, -- the longest one
    max(ends.open_hours) filter (where ends.passed_at is null)
        as open_hours, -- age of the failure that is not repaired at as_of; null without one
    er.item_url('test', ends.workspace_id, ends.test_id)
        as test_url -- where Octane shows the test
from ends
group by ends.workspace_id, ends.test_id, ends.environment_label
