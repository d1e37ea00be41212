-- Which builds brought many new failures at once?
-- source: metric.test_outcomes
-- grain: one build in which many tests began to fail, over all its environments
-- key: workspace_id, build_id, pipeline_id, pipeline_name
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: days integer = null -- length of the window; null means the whole history
-- param: new_failures integer = 3 -- failures that must be new in the build; a test in each of its
--    environments counts
-- note: definition: of our own: outcomes that failed where the outcome before had passed, or that
--     have none before
-- note: not told apart: a change that breaks tests, an environment that is down, and new tests that
--     fail; first_failure_count tells those without an outcome before, which are all in the first
--     build that is known
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; a build in which the last retry passed has no failure
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: one build counts over all its environments; a test that begins to fail in two
--     of them is two failures and one test
-- note: gaps: skipped results and builds without a result of the test are passed over; results
--     without a build are left out
-- note: renames: a renamed test is not new; one that moved to another class or package is
-- order: began_at desc, workspace_id, build_id, pipeline_id, pipeline_name
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
        and outcomes.build_id is not null
),

judged as (
    select
        outcomes.*,
        outcomes.has_failed and not coalesce(outcomes.had_failed_before, false) as is_new_failure,
    from outcomes
),

builds as (
    select
        judged.workspace_id,
        judged.build_id,
        judged.pipeline_key,
        any_value(judged.pipeline_id) as pipeline_id,
        max(judged.build_name) as build_name,
        max(judged.pipeline_name) as pipeline_name,
        min(judged.outcome_at) as began_at,
        count(*) as outcome_count,
        count(*) filter (where judged.has_failed) as failed_count,
        count(*) filter (where judged.has_failed and judged.had_failed_before is null)
            as first_failure_count,
        count(*) filter (where judged.is_new_failure) as new_failure_count,
        count(distinct judged.test_id) filter (where judged.is_new_failure) as test_count,
        count(distinct judged.environment_label) filter (where judged.is_new_failure)
            as environment_count,
    from judged
    group by judged.workspace_id, judged.build_id, judged.pipeline_key
)

select
    builds.workspace_id, -- workspace that the build belongs to
    builds.build_id, -- build that brought the failures; the build may be gone
    builds.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    builds.build_name, -- name or number of the build
    builds.pipeline_name, -- pipeline that reported it
    builds.began_at, -- when the first of its deciding results began (UTC)
    builds.outcome_count, -- passed and failed outcomes of the build, over all environments
    builds.failed_count, -- failed ones among them
    builds.new_failure_count, -- those that had passed the time before, or that have no time before
    builds.first_failure_count, -- those that have no time before
    builds.test_count, -- tests with a new failure
    builds.environment_count -- environments with a new failure
from builds
where builds.new_failure_count >= $new_failures
    and (
        $days is null
        or builds.began_at > er.as_of($as_of) - to_days(cast($days as integer))
    )
