-- How long does it take from the start of work on a story, feature or defect until it is closed?
-- source: er.phase_periods, er.work_items; work starts when an item first leaves its start phase
-- grain: one kind of work items of one release; one row for those without a release
-- key: workspace_id, work_item_type, release_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- only items closed in that many days before as_of; null means all
-- param: work_item_types text = 'feature,story,quality_story,defect' -- kinds, with commas
-- param: vague_days number = 1 -- an item whose start is known less exactly than this is not measured
-- param: small_sample integer = 5 -- fewer measured items than this are a small sample
-- note: definition: cycle time as in the Kanban Guide (2020), from the start of work to its end;
--     here until the last closing; the 85 percent are a service level expectation as in Vacanti,
--     Actionable Agile Metrics for Predictability (2015)
-- note: past: items, their releases and closings are those of now, so what was opened again since
--     is missing
-- order: workspace_id, work_item_type, release_id
with starts as (
    select
        periods.workspace_id,
        periods.work_item_id,
        periods.entered_after_at,
        periods.entered_by_at,
    from er.phase_periods as periods
    left join er.phases as phases
        on phases.workspace_id = periods.workspace_id
        and phases.phase_id = periods.phase_id
    where not coalesce(phases.is_start_phase, false)
    qualify row_number() over (
        partition by periods.workspace_id, periods.work_item_id
        order by periods.period_number
    ) = 1
),

closed as (
    select
        items.workspace_id,
        items.work_item_type,
        items.release_id,
        items.release_name,
        -- imported items may be closed before they were created, or before work on them started
        date_diff('second', items.created_at, items.closed_at) < 0
            or date_diff('second', items.closed_at, starts.entered_after_at) / 86400 > $vague_days
            as is_misdated,
        date_diff('second', least(starts.entered_by_at, items.closed_at), items.closed_at) / 86400
            as cycle_days,
        starts.work_item_id is not null
            and date_diff(
                'second',
                least(starts.entered_after_at, items.closed_at),
                least(starts.entered_by_at, items.closed_at)
            ) / 86400 <= $vague_days as is_start_known,
        starts.entered_after_at = starts.entered_by_at as is_start_exact,
    from er.work_items as items
    left join starts
        on starts.workspace_id = items.workspace_id
        and starts.work_item_id = items.work_item_id
    where items.closed_at <= er.as_of($as_of)
        and (
            $days is null
            or items.closed_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and er.is_listed(items.work_item_type, $work_item_types)
        and ($workspace_id is null or items.workspace_id = $workspace_id)
),

judged as (
    select
        closed.*,
        closed.is_start_known and not closed.is_misdated as is_measured, -- null: no start is known
    from closed
),

kinds as (
    select
        judged.workspace_id,
        judged.work_item_type,
        judged.release_id,
        any_value(judged.release_name) as release_name,
        count(*) as closed_count,
        count(*) filter (where judged.is_measured) as measured_count,
        count(*) filter (where judged.is_measured and judged.is_start_exact) as exact_count,
        count(*) filter (where judged.is_misdated) as misdated_count,
        median(judged.cycle_days) filter (where judged.is_measured) as median_cycle_days,
        quantile_cont(judged.cycle_days, 0.85) filter (where judged.is_measured) as p85_cycle_days,
        max(judged.cycle_days) filter (where judged.is_measured) as longest_cycle_days,
    from judged
    group by judged.workspace_id, judged.work_item_type, judged.release_id
)

select
    kinds.workspace_id, -- workspace that the row belongs to
    kinds.work_item_type, -- kind of the work items
    kinds.release_id, -- release that they are planned for; null for those without one
    kinds.release_name, -- name of that release
    kinds.closed_count, -- items closed in the window
    kinds.measured_count, -- those whose start is known, which the days are of
    kinds.exact_count, -- those of them whose start is known to the second
    kinds.closed_count - kinds.measured_count - kinds.misdated_count
        as vague_count, -- those whose start was before the first extract or between two far apart
    kinds.misdated_count, -- those closed before they were created or work on them started
    round(kinds.median_cycle_days, 2)
        as median_cycle_days, -- half of them took less; null where none was measured
    round(kinds.p85_cycle_days, 2) as p85_cycle_days, -- 85 percent took less
    round(kinds.longest_cycle_days, 2) as longest_cycle_days, -- the longest one
    kinds.measured_count < $small_sample as is_small_sample -- too few to plan by
from kinds
