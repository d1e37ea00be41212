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
        dense_rank() over (
            order by
                outcomes.workspace_id, outcomes.test_id, outcomes.environment_ids,
                outcomes.pipeline_key
        ) as series_number,
    from metric.test_outcomes(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        join_pipelines := $join_pipelines
    ) as outcomes
),

-- what is sorted again and again is narrow: names and texts are joined at the end
numbers as (
    select
        outcomes.series_number,
        outcomes.outcome_number,
        outcomes.outcome_at,
        outcomes.is_conclusive,
        outcomes.has_failed,
        outcomes.is_flaky,
        outcomes.native_status_code = 'list_node.run_native_status.skipped' as is_skipped,
        lag(outcomes.has_failed) over (
            partition by outcomes.series_number, outcomes.is_conclusive
            order by outcomes.outcome_number
        ) as had_failed_before,
    from outcomes
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
    from numbers as outcomes
    window
        series as (partition by outcomes.series_number order by outcomes.outcome_number),
        until_then as (partition by outcomes.series_number order by outcomes.outcome_number)
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
            partition by numbered.series_number, numbered.is_flaky_sign
            order by numbered.outcome_number
            rows between cast($flaky_alarm as integer) - 1 preceding
                and cast($flaky_alarm as integer) - 1 preceding
        ) as first_sign_number,
    from numbered
    window until_then as (partition by numbered.series_number order by numbered.outcome_number)
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
    window until_then as (partition by recoveries.series_number order by recoveries.outcome_number)
),

-- a result that comes after a long gap does not yet end it
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
        signals.outcome_at > signals.previous_at + to_days(cast($stale_days as integer))
            as is_after_gap,
    from signals
),

followed as (
    select
        judged.*,
        lag(case when judged.is_after_gap then 'stale' else judged.judged_code end) over (
            partition by judged.series_number
            order by judged.outcome_number
        ) as previous_state_code,
    from judged
),

-- between two outcomes the first one's state holds, until the test is stale
changes as (
    select
        followed.series_number,
        followed.outcome_number,
        1 as moment_number,
        followed.outcome_at as changed_at,
        followed.previous_state_code,
        followed.judged_code as state_code,
        case followed.judged_code
            when 'muted' then 'skipped in a row: ' || followed.skipped_in_a_row_count
            when 'broken' then 'failed in a row: ' || followed.failed_in_a_row_count
            when 'flaky' then 'repairs or flaky builds: ' || followed.sign_count
            when 'new' then 'outcomes: ' || followed.conclusive_number
            else 'no alarm; passed in a row: ' || followed.passed_in_a_row_count
        end as evidence_text,
    from followed
    where not coalesce(followed.is_after_gap, false)
        and followed.previous_state_code is distinct from followed.judged_code
    union all by name
    select
        followed.series_number,
        followed.outcome_number,
        2 as moment_number,
        followed.outcome_at + to_days(cast($stale_days as integer)) as changed_at,
        followed.judged_code as previous_state_code,
        'stale' as state_code,
        'days without a result: ' || $stale_days as evidence_text,
    from followed
    where not coalesce(followed.is_after_gap, false)
        and coalesce(followed.next_at, er.as_of($as_of))
            > followed.outcome_at + to_days(cast($stale_days as integer))
),

numbered_changes as (
    select
        changes.*,
        row_number() over (
            partition by changes.series_number
            order by changes.outcome_number, changes.moment_number
        ) as change_number,
    from changes
)

select
    outcomes.workspace_id, -- workspace that the test belongs to
    outcomes.test_id, -- test whose state changed
    outcomes.environment_ids, -- ids of the environment tags, with commas; null without tags
    outcomes.pipeline_key, -- pipeline's id, or 'name ' and its name; null: none, or all joined
    changes.change_number, -- 1 is the first state that is known
    outcomes.environment_label, -- environment tags of the series
    outcomes.pipeline_id, -- id of the pipeline; null where it is unknown, or when joined
    outcomes.pipeline_name, -- name of the pipeline
    outcomes.test_name, -- name of the test
    changes.changed_at, -- when the state began (UTC)
    changes.previous_state_code, -- state before; null at the beginning
    changes.state_code, -- healthy, flaky, broken, muted, stale or new
    changes.evidence_text, -- what made it so
    outcomes.build_id, -- build of the outcome that made it so; the last one before it was stale
    outcomes.build_name -- name or number of that build
from numbered_changes as changes
join outcomes
    on outcomes.series_number = changes.series_number
    and outcomes.outcome_number = changes.outcome_number
