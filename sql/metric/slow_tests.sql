-- Which automated tests take longest, and which ones become slower?
-- source: er.automated_results
-- grain: one test in one environment with a duration in the window
-- key: workspace_id, test_id, environment_label
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = 30 -- length of the window, and of the one before that it is compared with
-- param: small_sample integer = 5 -- fewer results than this in a window are a small sample
-- order: median_duration_ms desc, workspace_id, test_id, environment_label
with durations as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        results.test_name,
        results.result_at,
        results.duration_ms,
        results.duration_ms >= 0 as is_measured,
        results.result_at > er.as_of($as_of) - to_days(cast($days as integer))
            as is_recent,
    from er.automated_results as results
    where results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        )
        and results.result_at <= er.as_of($as_of)
        and results.result_at > er.as_of($as_of) - to_days(cast(2 * $days as integer))
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

windows as (
    select
        durations.workspace_id,
        durations.test_id,
        durations.environment_label,
        max_by(durations.test_name, durations.result_at) as test_name,
        count(*) filter (where durations.is_recent and durations.is_measured) as result_count,
        count(*) filter (where durations.is_recent and not durations.is_measured)
            as negative_count,
        median(durations.duration_ms) filter (where durations.is_recent and durations.is_measured)
            as median_duration_ms,
        quantile_cont(durations.duration_ms, 0.95)
            filter (where durations.is_recent and durations.is_measured) as p95_duration_ms,
        sum(durations.duration_ms) filter (where durations.is_recent and durations.is_measured)
            as total_duration_ms,
        count(*) filter (where not durations.is_recent and durations.is_measured)
            as earlier_result_count,
        median(durations.duration_ms)
            filter (where not durations.is_recent and durations.is_measured)
            as earlier_median_duration_ms,
    from durations
    group by durations.workspace_id, durations.test_id, durations.environment_label
)

select
    windows.workspace_id, -- workspace that the test belongs to
    windows.test_id, -- test that was run
    windows.environment_label, -- environment tags in which it was run
    windows.test_name, -- name of the test
    windows.result_count, -- passed and failed results of the window
    windows.negative_count, -- further ones whose duration is below zero; left out of the times
    windows.median_duration_ms, -- half of them took less
    windows.p95_duration_ms, -- 95 percent of them took less
    cast(windows.total_duration_ms as bigint) as total_duration_ms, -- time that all of them took
    windows.earlier_result_count, -- passed and failed results of the window before
    windows.earlier_median_duration_ms, -- half of those took less
    round(windows.median_duration_ms / nullif(windows.earlier_median_duration_ms, 0), 4)
        as slowdown_ratio, -- median by earlier median; above 1 it became slower
    least(windows.result_count, windows.earlier_result_count) < $small_sample
        as is_small_sample, -- too few results in a window to compare the two
    er.item_url('test', windows.workspace_id, windows.test_id)
        as test_url -- where Octane shows the test
from windows
where windows.result_count > 0
