-- Which automated tests change between passed and failed, how often, and how sure is that?
-- source: metric.test_outcomes
-- grain: one test in one environment and pipeline that changed, or failed and passed in a build
-- key: workspace_id, test_id, environment_ids, pipeline_id, pipeline_name
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: days integer = 90 -- length of the window
-- param: small_sample integer = 20 -- fewer chances to change than this are a small sample
-- param: z number = 1.96 -- width of the interval in standard errors; 1.96 is 95 percent
-- note: definition: changes by chances to change is the flip rate of Kowalczyk et al., Modeling and
--     Ranking Flaky Tests at Apple (ICSE 2020); failed and passed in one build is the definition of
--     Micco, Flaky Tests at Google (2016); the interval is that of Wilson (1927)
-- note: not told apart: a flaky test, and one that the code breaks and repairs often; a flaky build
--     is the surer evidence, so it ranks first
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; builds in which a test failed and passed are counted as flaky_build_count, and
--     are no change
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: skipped results and builds without a result are passed over; the first outcome of the
--     window has no chance to change
-- note: renames: a test keeps its series by its id; a test that moved to another class or package
--     is a new test in Octane
-- order: flaky_build_count desc, flakiness_low_ratio desc nulls last, workspace_id, test_id,
--    environment_ids, pipeline_id, pipeline_name
with outcomes as (
    select
        outcomes.*,
        lag(outcomes.has_failed) over (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
            order by outcomes.outcome_number
        ) as had_failed_before,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as outcomes
    where outcomes.is_conclusive
        and outcomes.outcome_at > er.as_of($as_of) - to_days(cast($days as integer))
),

counts as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_ids,
        outcomes.pipeline_key,
        any_value(outcomes.pipeline_id) as pipeline_id,
        any_value(outcomes.environment_label) as environment_label,
        max_by(outcomes.pipeline_name, outcomes.outcome_number) as pipeline_name,
        max_by(outcomes.test_name, outcomes.outcome_number) as test_name,
        count(*) as outcome_count,
        count(*) filter (where outcomes.has_failed) as failed_count,
        count(*) filter (where outcomes.is_flaky) as flaky_build_count,
        nullif(count(*) - 1, 0) as chance_count,
        count(*) filter (where outcomes.has_failed <> outcomes.had_failed_before) as change_count,
        max(outcomes.outcome_at) filter (where outcomes.has_failed <> outcomes.had_failed_before)
            as last_changed_at,
        max(outcomes.outcome_at) filter (where outcomes.is_flaky) as last_flaky_build_at,
    from outcomes
    group by
        outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids, outcomes.pipeline_key
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
        or counts.flaky_build_count > 0
)

select
    rates.workspace_id, -- workspace that the test belongs to
    rates.test_id, -- test that changes its result
    rates.environment_ids, -- ids of the environment tags, with commas; null without tags
    rates.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    rates.environment_label, -- environment tags in which it does
    rates.pipeline_name, -- name of the pipeline
    rates.test_name, -- name of the test
    rates.outcome_count, -- passed and failed outcomes of the window, one for each build
    rates.failed_count, -- failed ones among them
    rates.flaky_build_count, -- builds in which it failed and passed
    rates.change_count, -- times that an outcome differs from the one before
    round(rates.rate, 4) as flakiness_ratio, -- changes by chances to change; null without a chance
    round(greatest(0, (rates.rate + rates.shift - rates.margin) / rates.shrinkage), 4)
        as flakiness_low_ratio, -- lower end of the interval of that share
    round(least(1, (rates.rate + rates.shift + rates.margin) / rates.shrinkage), 4)
        as flakiness_high_ratio, -- upper end of the interval of that share
    rates.outcome_count - 1 < $small_sample as is_small_sample, -- too few outcomes to rank by
    rates.last_changed_at, -- when the newest outcome that differs from the one before began (UTC)
    rates.last_flaky_build_at, -- when it last failed and passed in a build (UTC)
    er.item_url('test', rates.workspace_id, rates.test_id)
        as test_url -- where Octane shows the test
from rates
