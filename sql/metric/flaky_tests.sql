-- Which automated tests change between passed and failed, how often, and how sure is that?
-- source: er.automated_results
-- grain: one test in one environment whose result changed at least once in the window
-- key: workspace_id, test_id, environment_label
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = 90 -- length of the window
-- param: small_sample integer = 20 -- fewer chances to change than this are a small sample
-- param: z number = 1.96 -- width of the interval in standard errors; 1.96 is 95 percent
-- order: flakiness_low_ratio desc, workspace_id, test_id, environment_label
with outcomes as (
    select
        results.workspace_id,
        results.test_id,
        results.environment_label,
        results.test_name,
        results.result_at,
        results.native_status_code = 'list_node.run_native_status.failed' as has_failed,
        lag(results.native_status_code = 'list_node.run_native_status.failed') over (
            partition by results.workspace_id, results.test_id, results.environment_label
            order by results.result_at, results.is_current, results.result_id
        ) as had_failed_before,
    from er.automated_results as results
    where results.native_status_code in (
            'list_node.run_native_status.passed', 'list_node.run_native_status.failed'
        )
        and results.result_at <= er.as_of($as_of)
        and results.result_at > er.as_of($as_of) - to_days(cast($days as integer))
        and ($workspace_id is null or results.workspace_id = $workspace_id)
),

counts as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_label,
        max_by(outcomes.test_name, outcomes.result_at) as test_name,
        count(*) as result_count,
        count(*) filter (where outcomes.has_failed) as failed_count,
        count(*) - 1 as chance_count,
        count(*) filter (where outcomes.has_failed <> outcomes.had_failed_before) as change_count,
        max(outcomes.result_at) filter (where outcomes.has_failed <> outcomes.had_failed_before)
            as last_changed_at,
    from outcomes
    group by outcomes.workspace_id, outcomes.test_id, outcomes.environment_label
),

-- Wilson's interval stays between 0 and 1 and is honest about small samples
rates as (
    select
        counts.*,
        counts.change_count / counts.chance_count as rate,
        1 + $z * $z / counts.chance_count as shrinkage,
        $z * $z / (2 * counts.chance_count) as shift,
        $z * sqrt(
            counts.change_count / counts.chance_count
            * (1 - counts.change_count / counts.chance_count) / counts.chance_count
            + $z * $z / (4 * counts.chance_count * counts.chance_count)
        ) as margin,
    from counts
    where counts.change_count > 0
)

select
    rates.workspace_id, -- workspace that the test belongs to
    rates.test_id, -- test that changes its result
    rates.environment_label, -- environment tags in which it does
    rates.test_name, -- name of the test
    rates.result_count, -- passed and failed results of the window
    rates.failed_count, -- failed ones among them
    rates.change_count, -- times that a result differs from the one before
    round(rates.rate, 4) as flakiness_ratio, -- changes by chances to change
    round(greatest(0, (rates.rate + rates.shift - rates.margin) / rates.shrinkage), 4)
        as flakiness_low_ratio, -- lower end of the interval of that share
    round(least(1, (rates.rate + rates.shift + rates.margin) / rates.shrinkage), 4)
        as flakiness_high_ratio, -- upper end of the interval of that share
    rates.chance_count < $small_sample as is_small_sample, -- too few results to rank by
    rates.last_changed_at, -- when the newest result that differs from the one before began (UTC)
    er.item_url('test', rates.workspace_id, rates.test_id)
        as test_url -- where Octane shows the test
from rates
