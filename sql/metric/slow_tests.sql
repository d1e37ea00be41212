-- Which automated tests take longest, and which ones become slower?
-- source: er.automated_results
-- grain: one test in one environment with a known duration in the window
-- key: workspace_id, test_id, environment_ids
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = 30 -- length of the window, and of the one before that it is compared with
-- param: small_sample integer = 5 -- fewer results than this in a window are a small sample
-- note: definition: median and 95th percentile with linear interpolation (Hyndman and Fan 1996,
--     type 7)
-- note: not told apart: a slower test, and a slower machine; a duration of 0, since the files of
--     many tools write 0 for what they do not know, and a test that takes less than half a
--     millisecond: both count as unknown
-- note: retries: each retry that was reported on its own is a result; attempts within a result are
--     not timed
-- note: branches: the results of all pipelines count together
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: skipped results take no time; unknown and negative durations are counted, and are no
--     value
-- note: renames: a test keeps its times by its id
-- order: median_duration_ms desc nulls last, workspace_id, test_id, environment_ids
with results as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_ids,
        results.environment_label,
        results.test_name,
        (results.result_at, results.is_current, length(results.result_id), results.result_id)
            as result_rank,
        results.duration_ms < 0 as is_negative,
        -- tools that do not know a duration report 0, and a clock that was set back gives less
        case when results.duration_ms > 0 then results.duration_ms end as duration_ms,
        results.native_status_code = 'list_node.run_native_status.failed' as has_failed,
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

-- a failed run may stop early or wait for a time-out: it says little about the test's time
windows as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_ids,
        any_value(results.environment_label) as environment_label,
        max_by(results.test_name, results.result_rank) as test_name,
        count(results.duration_ms) filter (where results.is_recent and not results.has_failed)
            as result_count,
        median(results.duration_ms) filter (where results.is_recent and not results.has_failed)
            as median_duration_ms,
        quantile_cont(results.duration_ms, 0.95) filter (
            where results.is_recent and not results.has_failed
        ) as p95_duration_ms,
        cast(sum(results.duration_ms) filter (where results.is_recent) as bigint)
            as total_duration_ms,
        count(results.duration_ms) filter (where results.is_recent and results.has_failed)
            as failed_result_count,
        median(results.duration_ms) filter (where results.is_recent and results.has_failed)
            as failed_median_duration_ms,
        count(*) filter (where results.is_recent and results.is_negative) as negative_count,
        count(*) filter (
            where results.is_recent
                and results.duration_ms is null
                and not coalesce(results.is_negative, false)
        ) as unknown_duration_count,
        count(results.duration_ms) filter (where not results.is_recent and not results.has_failed)
            as earlier_result_count,
        median(results.duration_ms) filter (
            where not results.is_recent and not results.has_failed
        ) as earlier_median_duration_ms,
    from results
    group by results.workspace_id, results.test_id, results.environment_ids
)

select
    windows.workspace_id, -- workspace that the test belongs to
    windows.test_id, -- test that was run
    windows.environment_ids, -- ids of the environment tags, with commas; null without tags
    windows.environment_label, -- environment tags in which it was run
    windows.test_name, -- name of the test
    windows.result_count, -- passed results of the window whose duration is known
    windows.median_duration_ms, -- half of those took less; null where none passed
    windows.p95_duration_ms, -- 95 percent of those took less
    windows.total_duration_ms, -- time that all passed and failed results took
    windows.failed_result_count, -- failed results of the window whose duration is known
    windows.failed_median_duration_ms, -- half of the failed ones took less
    windows.unknown_duration_count, -- passed and failed results of the window without a duration
    windows.negative_count, -- further ones whose duration is below zero; left out of the times
    windows.earlier_result_count, -- passed results of the window before with a known duration
    windows.earlier_median_duration_ms, -- half of those took less
    round(windows.median_duration_ms / windows.earlier_median_duration_ms, 4)
        as slowdown_ratio, -- median by earlier median; above 1 it became slower
    least(windows.result_count, windows.earlier_result_count) < $small_sample
        as is_small_sample, -- too few passed results in a window to compare the two
    er.item_url('test', windows.workspace_id, windows.test_id)
        as test_url -- where Octane shows the test
from windows
where windows.result_count + windows.failed_result_count > 0
