-- How long does it take from the creation of a story, feature or defect until it is closed?
-- source: er.work_items
-- grain: one kind of work items of one release; one row for those without a release
-- key: workspace_id, work_item_type, release_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- only items closed in that many days before as_of; null means all
-- param: work_item_types text = 'feature,story,quality_story,defect' -- kinds, with commas
-- param: small_sample integer = 5 -- fewer measured items than this are a small sample
-- note: definition: lead time as in Anderson, Kanban (2010), from a request to its delivery; here
--     from the creation of an item to its last closing
-- note: past: items, their releases and closings are those of now, so what was opened again since
--     is missing
-- order: workspace_id, work_item_type, release_id
with closed as (
    select
        items.workspace_id,
        items.work_item_type,
        items.release_id,
        items.release_name,
        date_diff('second', items.created_at, items.closed_at) / 86400 as lead_days,
    from er.work_items as items
    where items.closed_at <= er.as_of($as_of)
        and (
            $days is null
            or items.closed_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and er.is_listed(items.work_item_type, $work_item_types)
        and ($workspace_id is null or items.workspace_id = $workspace_id)
),

kinds as (
    select
        closed.workspace_id,
        closed.work_item_type,
        closed.release_id,
        any_value(closed.release_name) as release_name,
        count(*) as closed_count,
        count(*) filter (where closed.lead_days >= 0) as measured_count,
        -- imported items may be closed before they were created: their time says nothing
        count(*) filter (where closed.lead_days < 0) as misdated_count,
        median(closed.lead_days) filter (where closed.lead_days >= 0) as median_lead_days,
        quantile_cont(closed.lead_days, 0.85) filter (where closed.lead_days >= 0) as p85_lead_days,
        max(closed.lead_days) filter (where closed.lead_days >= 0) as longest_lead_days,
    from closed
    group by closed.workspace_id, closed.work_item_type, closed.release_id
)

select
    kinds.workspace_id, -- workspace that the row belongs to
    kinds.work_item_type, -- kind of the work items
    kinds.release_id, -- release that they are planned for; null for those without one
    kinds.release_name, -- name of that release
    kinds.closed_count, -- items closed in the window
    kinds.measured_count, -- those whose time is known, which the days are of
    kinds.misdated_count, -- those that were closed before they were created
    round(kinds.median_lead_days, 2)
        as median_lead_days, -- half of them took less; null where none was measured
    round(kinds.p85_lead_days, 2) as p85_lead_days, -- 85 percent took less
    round(kinds.longest_lead_days, 2) as longest_lead_days, -- the longest one
    kinds.measured_count < $small_sample as is_small_sample -- too few to plan by
from kinds
