-- When was each work item done, and when was it opened again?
-- source: er.phase_periods, er.work_items
-- grain: one time that a work item was in phases of the metaphase Done without a break
-- key: workspace_id, work_item_id, done_number
-- relation: work_item_id -> er.work_items.work_item_id (may be gone)
with stays as (
    select
        periods.*,
        periods.metaphase_code = 'metaphase.work_item.done' as is_done,
        -- Octane itself dates the last closing, which versions may only bound
        case
            when items.closed_at between periods.entered_after_at and periods.entered_by_at
                then items.closed_at
            else periods.entered_by_at
        end as entered_at,
        coalesce(
            periods.entered_after_at = periods.entered_by_at
            or items.closed_at between periods.entered_after_at and periods.entered_by_at,
            false
        ) as is_entry_exact,
    from er.phase_periods as periods
    left join er.work_items as items
        on items.workspace_id = periods.workspace_id
        and items.work_item_id = periods.work_item_id
),

compared_stays as (
    select
        stays.*,
        stays.is_done
            and coalesce(not lag(stays.is_done) over item_stays, true) as is_begin,
        stays.is_done
            and coalesce(not lead(stays.is_done) over item_stays, true) as is_end,
    from stays
    window item_stays as (
        partition by stays.workspace_id, stays.work_item_id
        order by stays.period_number
    )
),

begins as (
    select
        compared_stays.*,
        row_number() over item_begins as done_number,
    from compared_stays
    where compared_stays.is_begin
    window item_begins as (
        partition by compared_stays.workspace_id, compared_stays.work_item_id
        order by compared_stays.period_number
    )
),

ends as (
    select
        compared_stays.*,
        row_number() over item_ends as done_number,
    from compared_stays
    where compared_stays.is_end
    window item_ends as (
        partition by compared_stays.workspace_id, compared_stays.work_item_id
        order by compared_stays.period_number
    )
)

select
    begins.workspace_id, -- workspace that the row belongs to
    begins.work_item_id, -- work item; it may be gone by now
    begins.done_number, -- 1 is the first time that is known
    begins.work_item_type, -- story, defect, quality_story, feature or epic
    begins.entered_at as done_at, -- when it was done (UTC)
    ends.left_by_at
        as undone_at, -- when it was opened again, or was gone (UTC); null: it is still done
    ends.was_deleted, -- whether it ended because the item is gone
    begins.phase_id as done_phase_id, -- phase that it was done in
    begins.is_entry_exact
        and coalesce(ends.left_after_at = ends.left_by_at, ends.left_by_at is null)
        as is_exact -- whether both moments are known to the second
from begins
join ends
    on ends.workspace_id = begins.workspace_id
    and ends.work_item_id = begins.work_item_id
    and ends.done_number = begins.done_number
