-- Which automated tests can be trusted: healthy, flaky, broken, muted, stale or new, at what cost?
-- source: metric.test_state_changes, metric.test_outcomes, er.tests, er.test_modules
-- grain: one test in one environment and pipeline
-- key: workspace_id, test_id, environment_ids, pipeline_key
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: state_codes text = null -- some of healthy, flaky, broken, muted, stale, new: states to look
--     at, with commas; null means all
-- param: cost_days integer = 30 -- costs are of the builds and results of so many last days
-- param: new_outcomes integer = 10 -- a test with fewer outcomes than this is new
-- param: broken_failures integer = 5 -- alarm: that many outcomes in a row failed
-- param: recovery_passes integer = 5 -- recovery of a broken test: that many passed in a row
-- param: recovery_days integer = 7 -- recovery also needs so many days since the last failure
-- param: flaky_alarm integer = 3 -- alarm: repairs and flaky builds in the last outcomes
-- param: flaky_outcomes integer = 50 -- the last outcomes; recovery: as many without any of them
-- param: muted_skips integer = 3 -- alarm: skipped so often since it passed or failed
-- param: unmuted_outcomes integer = 2 -- recovery of a muted test: outcomes since the last skip
-- param: stale_days integer = 30 -- alarm: no result for so long; recovery: two results within it
-- note: definition: of our own: the newest state of test_state_changes; a build failed by flaky
--     tests alone is one whose failed tests are all flaky now
-- note: not told apart: a flaky test, and one that the code breaks and repairs often; a stale test
--     that was removed, and one that is not run any more
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; minutes are those of the result that decides
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: each set of environment tags is a series, by ids; a build counts over all of
--     its environments
-- note: gaps: a test keeps its state over skipped results and builds without a result, until it is
--     muted or stale; unknown durations count as nothing
-- note: renames: a test keeps its series by its id, and is shown with the newest name that is known
-- order: flaky_only_build_count desc, failed_count desc, workspace_id, test_id, environment_ids,
--    pipeline_key
with states as (
    select
        changes.workspace_id,
        changes.test_id,
        changes.environment_ids,
        changes.pipeline_key,
        changes.pipeline_id,
        changes.state_code,
        changes.previous_state_code,
        changes.changed_at,
        changes.evidence_text,
        changes.build_id,
        changes.build_name,
    from metric.test_state_changes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines,
        new_outcomes := $new_outcomes,
        broken_failures := $broken_failures,
        recovery_passes := $recovery_passes,
        recovery_days := $recovery_days,
        flaky_alarm := $flaky_alarm,
        flaky_outcomes := $flaky_outcomes,
        muted_skips := $muted_skips,
        unmuted_outcomes := $unmuted_outcomes,
        stale_days := $stale_days
    ) as changes
    qualify row_number() over (
        partition by
            changes.workspace_id, changes.test_id, changes.environment_ids, changes.pipeline_key
        order by changes.change_number desc
    ) = 1
),

outcomes as (
    select
        outcomes.*,
        states.state_code,
        outcomes.outcome_at > er.as_of($as_of) - to_days(cast($cost_days as integer))
            as is_recent,
        count(*) filter (where outcomes.has_failed) over build as failed_in_build_count,
        count(*) filter (where outcomes.has_failed and states.state_code = 'flaky') over build
            as flaky_in_build_count,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as outcomes
    join states
        on states.workspace_id = outcomes.workspace_id
        and states.test_id = outcomes.test_id
        and states.environment_ids is not distinct from outcomes.environment_ids
        and states.pipeline_key is not distinct from outcomes.pipeline_key
    window build as (partition by outcomes.workspace_id, outcomes.build_id)
),

costs as (
    select
        outcomes.workspace_id,
        outcomes.test_id,
        outcomes.environment_ids,
        outcomes.pipeline_key,
        any_value(outcomes.environment_label) as environment_label,
        max_by(outcomes.pipeline_name, outcomes.outcome_number) as pipeline_name,
        max_by(outcomes.test_name, outcomes.outcome_number) as test_name,
        max(outcomes.outcome_at) as last_result_at,
        count(*) filter (where outcomes.is_recent and outcomes.is_conclusive) as outcome_count,
        count(*) filter (where outcomes.is_recent and outcomes.has_failed) as failed_count,
        count(*) filter (where outcomes.is_recent and outcomes.is_flaky) as flaky_build_count,
        coalesce(
            sum(greatest(outcomes.duration_ms, 0)) filter (where outcomes.is_recent), 0
        ) as duration_ms,
        count(*) filter (
            where outcomes.is_recent
                and outcomes.has_failed
                and outcomes.build_id is not null
                and outcomes.flaky_in_build_count = outcomes.failed_in_build_count
        ) as flaky_only_build_count,
    from outcomes
    group by
        outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids, outcomes.pipeline_key
),

modules_by_test as (
    select
        test_modules.workspace_id,
        test_modules.test_id,
        string_agg(
            modules.application_module_name, ', ' order by modules.application_module_name
        ) as application_module_names,
    from er.test_modules as test_modules
    join er.application_modules as modules
        on modules.workspace_id = test_modules.workspace_id
        and modules.application_module_id = test_modules.application_module_id
    group by test_modules.workspace_id, test_modules.test_id
)

select
    states.workspace_id, -- workspace that the test belongs to
    states.test_id, -- test that is judged; it may be gone
    states.environment_ids, -- ids of the environment tags, with commas; null without tags
    states.pipeline_key, -- pipeline's id, or 'name ' and its name; null: none, or all joined
    states.state_code, -- healthy, flaky, broken, muted, stale or new
    coalesce(costs.test_name, tests.test_name) as test_name, -- newest name that is known
    costs.environment_label, -- environment tags in which it has the state
    states.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    costs.pipeline_name, -- name of the pipeline
    states.evidence_text, -- what made it so when the state began
    states.changed_at as state_since_at, -- when the state began (UTC)
    states.previous_state_code, -- state before; null when none is known
    states.build_id, -- build that made it so; the last one before it was stale
    states.build_name, -- name or number of that build
    costs.last_result_at, -- when its newest result of any status began (UTC)
    costs.outcome_count, -- builds in cost_days in which it passed or failed
    costs.failed_count, -- failed ones among them
    costs.flaky_build_count, -- builds in cost_days in which it failed and passed
    costs.flaky_only_build_count, -- builds that it failed, in which only flaky tests failed
    round(costs.duration_ms / 60000, 2) as run_minutes, -- minutes that its runs took in cost_days
    tests.owner_name, -- full name of the owner of the test; null when it has none
    modules_by_test.application_module_names, -- its application modules, in order
    tests.package_name, -- package of the test
    tests.class_name, -- class of the test
    er.item_url('test', states.workspace_id, states.test_id)
        as test_url -- where Octane shows the test
from states
join costs
    on costs.workspace_id = states.workspace_id
    and costs.test_id = states.test_id
    and costs.environment_ids is not distinct from states.environment_ids
    and costs.pipeline_key is not distinct from states.pipeline_key
left join er.tests as tests
    on tests.workspace_id = states.workspace_id
    and tests.test_id = states.test_id
left join modules_by_test
    on modules_by_test.workspace_id = states.workspace_id
    and modules_by_test.test_id = states.test_id
where ($state_codes is null or er.is_listed(states.state_code, $state_codes))
