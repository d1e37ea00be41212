-- When did each automated test become new, healthy, flaky, broken, muted or stale, and why?
-- source: metric.test_outcomes
-- grain: one change of the state of one test in one environment and pipeline
-- key: workspace_id, test_id, environment_ids, pipeline_key, change_number
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: join_pipelines boolean = false -- true: the results of all pipelines are one series
-- param: new_outcomes integer = 10 -- a test with fewer outcomes than this is new
-- param: broken_failures integer = 5 -- alarm: that many outcomes in a row failed
-- param: recovery_passes integer = 5 -- recovery of a broken test: that many passed in a row
-- param: recovery_days integer = 7 -- recovery also needs so many days since the last failure
-- param: flaky_alarm integer = 3 -- alarm: repairs and flaky builds in the last outcomes
-- param: flaky_outcomes integer = 50 -- the last outcomes; recovery: as many without any of them
-- param: muted_skips integer = 3 -- alarm: skipped so often since it passed or failed
-- param: unmuted_outcomes integer = 2 -- recovery of a muted test: outcomes since the last skip
-- param: stale_days integer = 30 -- alarm: no result for so long; recovery: two results within it
-- note: definition: of our own; the thresholds of alarm and recovery are apart, as in a Schmitt
--     trigger, so that a state does not flap; a repair is a pass after a failure, a flaky build is
--     that of Micco, Flaky Tests at Google (2016)
-- note: not told apart: a flaky test, and one that the code breaks and repairs often
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result; a build in which it failed and passed is a flaky build
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart;
--     branches that one pipeline builds are not told apart; join_pipelines makes one series of all
-- note: environments: each set of environment tags is a series, by ids; other names or categories
--     change nothing
-- note: gaps: skipped results and builds without a result are passed over, until they make a test
--     muted or stale; where several states fit, the first of stale, muted, broken, flaky and new
--     counts
-- note: renames: a test keeps its series by its id
-- order: workspace_id, test_id, environment_ids, pipeline_key, change_number
with outcomes as (
    select
        outcomes.*,
        outcomes.native_status_code = 'list_node.run_native_status.skipped' as is_skipped,
        lag(outcomes.has_failed) over (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key, outcomes.is_conclusive
            order by outcomes.outcome_number
        ) as had_failed_before,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as outcomes
),

numbered as (
    select
        outcomes.*,
        outcomes.is_conclusive
            and (outcomes.is_flaky or (outcomes.had_failed_before and not outcomes.has_failed))
            as is_flaky_sign,
        count(*) filter (where outcomes.is_conclusive) over until_then as conclusive_number,
        count(*) filter (where outcomes.is_skipped) over until_then as skip_number,
        count(*) filter (
            where outcomes.is_conclusive
                and (outcomes.is_flaky or (outcomes.had_failed_before and not outcomes.has_failed))
        ) over until_then as sign_number,
        lag(outcomes.outcome_at) over series as previous_at,
        lead(outcomes.outcome_at) over series as next_at,
    from outcomes
    window
        series as (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
            order by outcomes.outcome_number
        ),
        until_then as (
            partition by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
            order by outcomes.outcome_number
        )
),

counted as (
    select
        numbered.*,
        numbered.conclusive_number - coalesce(
            max(numbered.conclusive_number) filter (
                where numbered.is_conclusive and not numbered.has_failed
            ) over until_then,
            0
        ) as failed_in_a_row_count,
        numbered.conclusive_number - coalesce(
            max(numbered.conclusive_number) filter (where numbered.has_failed) over until_then, 0
        ) as passed_in_a_row_count,
        numbered.skip_number - coalesce(
            max(numbered.skip_number) filter (where numbered.is_conclusive) over until_then, 0
        ) as skipped_in_a_row_count,
        numbered.conclusive_number
            - max(numbered.conclusive_number) filter (where numbered.is_skipped) over until_then
            as unskipped_count,
        max(numbered.outcome_at) filter (where numbered.has_failed) over until_then
            as last_failed_at,
        max(numbered.outcome_at) filter (where numbered.is_flaky_sign) over until_then
            as last_flaky_sign_at,
        numbered.conclusive_number - max(numbered.conclusive_number) filter (
            where numbered.is_flaky_sign
        ) over until_then as unflaky_count,
        -- not lag with an offset: DuckDB 1.x cannot read that from a macro that 2.0 has stored
        first_value(numbered.conclusive_number) over (
            partition by
                numbered.workspace_id, numbered.test_id, numbered.environment_ids,
                numbered.pipeline_key, numbered.is_flaky_sign
            order by numbered.outcome_number
            rows between cast($flaky_alarm as integer) - 1 preceding
                and cast($flaky_alarm as integer) - 1 preceding
        ) as first_sign_number,
    from numbered
    window until_then as (
        partition by
            numbered.workspace_id, numbered.test_id, numbered.environment_ids, numbered.pipeline_key
        order by numbered.outcome_number
    )
),

recoveries as (
    select
        counted.*,
        counted.passed_in_a_row_count >= $recovery_passes
            and counted.outcome_at
                >= counted.last_failed_at + to_days(cast($recovery_days as integer))
            as is_unbroken,
        counted.unflaky_count >= $flaky_outcomes
            and counted.outcome_at
                >= counted.last_flaky_sign_at + to_days(cast($recovery_days as integer))
            as is_unflaky,
    from counted
),

signals as (
    select
        recoveries.*,
        max(recoveries.outcome_number) filter (
            where recoveries.failed_in_a_row_count >= $broken_failures
        ) over until_then as broken_number,
        max(recoveries.outcome_number) filter (where recoveries.is_unbroken) over until_then
            as unbroken_number,
        max(recoveries.outcome_number) filter (
            where recoveries.is_flaky_sign
                and recoveries.conclusive_number - recoveries.first_sign_number < $flaky_outcomes
        ) over until_then as flaky_number,
        max(recoveries.outcome_number) filter (where recoveries.is_unflaky) over until_then
            as unflaky_number,
        recoveries.sign_number - coalesce(
            max(recoveries.sign_number) filter (where recoveries.is_unflaky) over until_then, 0
        ) as sign_count,
        max(recoveries.outcome_number) filter (
            where recoveries.skipped_in_a_row_count >= $muted_skips
        ) over until_then as muted_number,
        max(recoveries.outcome_number) filter (
            where recoveries.unskipped_count >= $unmuted_outcomes
        ) over until_then as unmuted_number,
    from recoveries
    window until_then as (
        partition by
            recoveries.workspace_id, recoveries.test_id, recoveries.environment_ids,
            recoveries.pipeline_key
        order by recoveries.outcome_number
    )
),

judged as (
    select
        signals.*,
        case
            when signals.muted_number > coalesce(signals.unmuted_number, 0) then 'muted'
            when signals.broken_number > coalesce(signals.unbroken_number, 0) then 'broken'
            when signals.flaky_number > coalesce(signals.unflaky_number, 0) then 'flaky'
            when signals.conclusive_number < $new_outcomes then 'new'
            else 'healthy'
        end as judged_code,
    from signals
),

-- a result that comes after a long gap does not yet end it
moments as (
    select
        judged.workspace_id,
        judged.test_id,
        judged.environment_ids,
        judged.pipeline_key,
        judged.pipeline_id,
        judged.outcome_number,
        judged.environment_label,
        judged.pipeline_name,
        judged.test_name,
        judged.build_id,
        judged.build_name,
        judged.outcome_at as changed_at,
        judged.judged_code as state_code,
        case judged.judged_code
            when 'muted' then 'skipped in a row: ' || judged.skipped_in_a_row_count
            when 'broken' then 'failed in a row: ' || judged.failed_in_a_row_count
            when 'flaky' then 'repairs or flaky builds: ' || judged.sign_count
            when 'new' then 'outcomes: ' || judged.conclusive_number
            else 'no alarm; passed in a row: ' || judged.passed_in_a_row_count
        end as evidence_text,
    from judged
    where judged.previous_at is null
        or judged.outcome_at <= judged.previous_at + to_days(cast($stale_days as integer))
    union all by name
    select
        judged.workspace_id,
        judged.test_id,
        judged.environment_ids,
        judged.pipeline_key,
        judged.pipeline_id,
        judged.outcome_number,
        judged.environment_label,
        judged.pipeline_name,
        judged.test_name,
        judged.build_id,
        judged.build_name,
        judged.outcome_at + to_days(cast($stale_days as integer)) as changed_at,
        'stale' as state_code,
        'days without a result: ' || $stale_days as evidence_text,
    from judged
    where coalesce(judged.next_at, er.as_of($as_of))
        > judged.outcome_at + to_days(cast($stale_days as integer))
),

followed as (
    select
        moments.*,
        lag(moments.state_code) over (
            partition by
                moments.workspace_id, moments.test_id, moments.environment_ids, moments.pipeline_key
            order by moments.outcome_number, moments.changed_at
        ) as previous_state_code,
    from moments
)

select
    followed.workspace_id, -- workspace that the test belongs to
    followed.test_id, -- test whose state changed
    followed.environment_ids, -- ids of the environment tags, with commas; null without tags
    followed.pipeline_key, -- pipeline's id, or 'name ' and its name; null: none, or all joined
    row_number() over (
        partition by
            followed.workspace_id, followed.test_id, followed.environment_ids, followed.pipeline_key
        order by followed.outcome_number, followed.changed_at
    ) as change_number, -- 1 is the first state that is known
    followed.environment_label, -- environment tags of the series
    followed.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    followed.pipeline_name, -- name of the pipeline
    followed.test_name, -- name of the test
    followed.changed_at, -- when the state began (UTC)
    followed.previous_state_code, -- state before; null at the beginning
    followed.state_code, -- healthy, flaky, broken, muted, stale or new
    followed.evidence_text, -- what made it so
    followed.build_id, -- build of the outcome that made it so; the last one before it was stale
    followed.build_name -- name or number of that build
from followed
where followed.previous_state_code is distinct from followed.state_code
