-- How many defects came, were closed and opened again in each week or day, and how many were open?
-- source: er.phase_periods, er.done_periods, er.field_periods, er.defects, er.defect_modules
-- grain: one week or day of one group of defects
-- key: workspace_id, group_id, start_date
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the last week or day ends at; null means the extract's
-- param: days integer = 84 -- length of the window; its first week or day is whole
-- param: period text = 'week' -- one of week, day: the length of a period; weeks begin on Monday
-- param: group_by text = 'none' -- one of none, severity, module, release: what tells groups apart
-- note: definition: of our own: closed is the way into the metaphase Done, opened again the way out
--     of it; open is what is there and not done, so that open at the end is open before + created +
--     opened again - closed - deleted while open
-- note: not told apart: severity and release are the newest ones of a defect, modules those of now;
--     a defect of two modules counts in both
-- note: gaps: where no change history was read, moments come from the versions that were read, and
--     a defect that was closed and opened again between two versions was neither
-- order: workspace_id, group_id, start_date
with last_stays as (
    select
        periods.*,
        min(periods.entered_after_at) over (
            partition by periods.workspace_id, periods.work_item_id
        ) as first_at,
    from er.phase_periods as periods
    where periods.work_item_type = 'defect'
        and ($workspace_id is null or periods.workspace_id = $workspace_id)
    qualify row_number() over (
        partition by periods.workspace_id, periods.work_item_id
        order by periods.period_number desc
    ) = 1
),

events as (
    select
        last_stays.workspace_id,
        last_stays.work_item_id as defect_id,
        coalesce(defects.created_at, last_stays.first_at) as happened_at,
        'created' as event,
    from last_stays
    left join er.defects as defects
        on defects.workspace_id = last_stays.workspace_id
        and defects.defect_id = last_stays.work_item_id
    union all
    select
        done.workspace_id, done.work_item_id, done.done_at, 'closed'
    from er.done_periods as done
    where done.work_item_type = 'defect'
    union all
    select
        done.workspace_id, done.work_item_id, done.undone_at, 'reopened'
    from er.done_periods as done
    where done.work_item_type = 'defect'
        and not done.was_deleted
    union all
    select
        last_stays.workspace_id, last_stays.work_item_id, last_stays.left_by_at, 'deleted'
    from last_stays
    where last_stays.was_deleted
        and coalesce(last_stays.metaphase_code <> 'metaphase.work_item.done', true)
),

newest_values as (
    select
        periods.workspace_id,
        periods.work_item_id,
        periods.field_name,
        periods.field_value,
    from er.field_periods as periods
    where periods.field_name in ('severity', 'release')
        and periods.work_item_type = 'defect'
    qualify row_number() over (
        partition by periods.workspace_id, periods.work_item_id, periods.field_name
        order by periods.period_number desc
    ) = 1
),

defect_groups as (
    select
        last_stays.workspace_id,
        last_stays.work_item_id as defect_id,
        case
            when $group_by = 'module' then coalesce(links.application_module_id, '')
            else coalesce(newest_values.field_value, '')
        end as group_id,
    from last_stays
    left join newest_values
        on newest_values.workspace_id = last_stays.workspace_id
        and newest_values.work_item_id = last_stays.work_item_id
        and newest_values.field_name = $group_by
    left join er.defects as defects
        on defects.workspace_id = last_stays.workspace_id
        and defects.defect_id = last_stays.work_item_id
    left join er.defect_modules as links
        on links.workspace_id = defects.workspace_id
        and links.defect_id = defects.defect_id
        and $group_by = 'module'
),

group_events as (
    select
        events.*,
        defect_groups.group_id,
    from events
    join defect_groups
        on defect_groups.workspace_id = events.workspace_id
        and defect_groups.defect_id = events.defect_id
    where events.happened_at <= er.as_of($as_of)
),

group_names as (
    select
        defect_groups.workspace_id,
        defect_groups.group_id,
        min(
            coalesce(
                severities.list_item_label, releases.release_name, modules.application_module_name
            )
        ) as group_name,
    from defect_groups
    left join er.list_items as severities
        on severities.workspace_id = defect_groups.workspace_id
        and severities.list_item_id = defect_groups.group_id
        and $group_by = 'severity'
    left join er.releases as releases
        on releases.workspace_id = defect_groups.workspace_id
        and releases.release_id = defect_groups.group_id
        and $group_by = 'release'
    left join er.application_modules as modules
        on modules.workspace_id = defect_groups.workspace_id
        and modules.application_module_id = defect_groups.group_id
        and $group_by = 'module'
    group by defect_groups.workspace_id, defect_groups.group_id
),

days as (
    select
        unnest(
            generate_series(
                date_trunc('day', er.as_of($as_of) - to_days(cast($days as integer))),
                date_trunc('day', er.as_of($as_of)),
                to_days(1)
            )
        ) as day_at,
),

dated_days as (
    select
        days.day_at,
        cast(
            case when $period = 'week' then date_trunc('week', days.day_at) else days.day_at end
            as date
        ) as start_date,
    from days
),

periods as (
    select
        dated_days.start_date,
        max(dated_days.day_at) + to_days(1) as ends_at,
    from dated_days
    group by dated_days.start_date
)

select
    groups.workspace_id, -- workspace that the row belongs to
    nullif(groups.group_id, '')
        as group_id, -- severity, module or release; null for defects without, and not grouped
    any_value(groups.group_name) as group_name, -- its name
    periods.start_date, -- first day of the week, or the day (UTC)
    count(*) filter (
        where events.event = 'created' and events.happened_at >= periods.start_date
    ) as created_count, -- defects that were created
    count(*) filter (
        where events.event = 'closed' and events.happened_at >= periods.start_date
    ) as closed_count, -- times that a defect was closed
    count(*) filter (
        where events.event = 'reopened' and events.happened_at >= periods.start_date
    ) as reopened_count, -- times that a closed one was opened again
    count(*) filter (
        where events.event = 'deleted' and events.happened_at >= periods.start_date
    ) as deleted_count, -- defects that were deleted while they were open
    count(*) filter (where events.event in ('created', 'reopened'))
        - count(*) filter (where events.event in ('closed', 'deleted'))
        as open_count -- defects open at the end of it, or at as_of
from group_names as groups
cross join periods
left join group_events as events
    on events.workspace_id = groups.workspace_id
    and events.group_id = groups.group_id
    and events.happened_at < periods.ends_at
group by groups.workspace_id, groups.group_id, periods.start_date
