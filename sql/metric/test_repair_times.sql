-- How long does it take until a failing automated test passes again?
-- source: metric.test_outcomes
-- grain: one test in one environment and pipeline with a failure that was repaired in the window,
--    or that is open
-- key: workspace_id, test_id, environment_ids, pipeline_id, pipeline_name
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: days integer = null -- only failures repaired in that many days before as_of, and open
--    ones, each from its beginning; null means all
-- param: stale_days integer = 30 -- a test without a result for longer than this is stale
-- note: definition: mean time to restoration as in IEC 60050-192 (2015), of a test: from the
--     first failed outcome to the next pass
-- note: not told apart: a repair, and a flaky test that passes again by chance
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; a build in which the last retry passed is no failure
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: skipped results repair nothing, and time without a result counts; is_stale tells a
--     test without a result for stale_days, whose failure stays open
-- note: renames: a test keeps its failure by its id; of a test that moved to another class or
--     package the failure stays open until it is stale
-- order: is_stale, open_hours desc nulls last, mean_repair_hours desc nulls last, workspace_id,
--    test_id, environment_ids, pipeline_id, pipeline_name
with outcomes as (
    select
        outcomes.*,
        max(outcomes.outcome_at) over (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
        ) as last_result_at,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as outcomes
),

-- a failure lasts from its first failed outcome to the next pass
numbered as (
    select
        outcomes.*,
        count(*) filter (where not outcomes.has_failed) over (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
            order by outcomes.outcome_number
        ) as pass_number,
    from outcomes
    where outcomes.is_conclusive
),

failures as (
    select
        numbered.workspace_id,
        numbered.test_id,
        numbered.environment_ids,
        numbered.pipeline_key,
        any_value(numbered.pipeline_id) as pipeline_id,
        numbered.pass_number,
        any_value(numbered.environment_label) as environment_label,
        max_by(numbered.pipeline_name, numbered.outcome_number) as pipeline_name,
        max_by(numbered.test_name, numbered.outcome_number) as test_name,
        min(numbered.outcome_at) as failed_since_at,
        max(numbered.last_result_at) as last_result_at,
    from numbered
    where numbered.has_failed
    group by
        numbered.workspace_id, numbered.test_id, numbered.environment_ids, numbered.pipeline_key,
        numbered.pass_number
),

ends as (
    select
        failures.*,
        passes.outcome_at as passed_at,
        -- whole seconds: their mean does not follow the order in which they are summed
        date_diff('second', failures.failed_since_at, passes.outcome_at) as repair_seconds,
        date_diff('second', failures.failed_since_at, er.as_of($as_of)) / 3600 as open_hours,
    from failures
    left join numbered as passes
        on passes.workspace_id = failures.workspace_id
        and passes.test_id = failures.test_id
        and passes.environment_ids is not distinct from failures.environment_ids
        and passes.pipeline_key is not distinct from failures.pipeline_key
        and passes.pass_number = failures.pass_number + 1
        and not passes.has_failed
    where $days is null
        or passes.outcome_at is null
        or passes.outcome_at > er.as_of($as_of) - to_days(cast($days as integer))
)

select
    ends.workspace_id, -- workspace that the test belongs to
    ends.test_id, -- test that failed
    ends.environment_ids, -- ids of the environment tags, with commas; null without tags
    any_value(ends.pipeline_id)
        as pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    any_value(ends.environment_label)
        as environment_label, -- environment tags in which it failed
    max_by(ends.pipeline_name, ends.pass_number) as pipeline_name, -- name of the pipeline
    max_by(ends.test_name, ends.pass_number) as test_name, -- name of the test
    count(*) as failure_count, -- failures that were repaired in the window, or that are open
    count(ends.passed_at) as repair_count, -- repaired ones among them
    avg(ends.repair_seconds) / 3600
        as mean_repair_hours, -- mean time to repair, of repaired failures only
    median(ends.repair_seconds) / 3600 as median_repair_hours, -- half of the repairs took less
    max(ends.repair_seconds) / 3600 as longest_repair_hours, -- the longest one
    max(ends.open_hours) filter (where ends.passed_at is null)
        as open_hours, -- age of the failure that is not repaired at as_of; null without one
    max(ends.last_result_at) as last_result_at, -- when the newest result of any status began (UTC)
    bool_or(
        ends.last_result_at < er.as_of($as_of) - to_days(cast($stale_days as integer))
    ) as is_stale, -- whether it has had no result for stale_days
    er.item_url('test', ends.workspace_id, ends.test_id)
        as test_url -- where Octane shows the test
from ends
group by ends.workspace_id, ends.test_id, ends.environment_ids, ends.pipeline_key
