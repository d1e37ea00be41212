-- How did the scope of each release and the done part of it grow, day by day?
-- source: er.work_items; scope counts the items assigned to the release now from their creation on
-- grain: one day of one release, from its start to its end or as_of
-- key: workspace_id, release_id, day_date
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the last day is; null means the extract's
-- param: release_name text = null -- name of the release, * is any text; null means any
-- param: work_item_types text = 'story,quality_story' -- kinds of work items, with commas
-- order: workspace_id, release_id, day_date
with days as (
    select
        releases.workspace_id,
        releases.release_id,
        releases.release_name,
        cast(
            unnest(
                generate_series(
                    date_trunc('day', releases.start_at),
                    least(releases.end_at, er.as_of($as_of)),
                    to_days(1)
                )
            ) as date
        ) as day_date,
    from er.releases as releases
    where releases.start_at is not null
        and releases.end_at is not null
        and ($workspace_id is null or releases.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(releases.release_name, $release_name))
),

items as (
    select
        items.workspace_id,
        items.release_id,
        items.story_point_count,
        cast(items.created_at as date) as created_date,
        cast(items.closed_at as date) as closed_date,
    from er.work_items as items
    where er.is_listed(items.work_item_type, $work_item_types)
)

select
    days.workspace_id, -- workspace that the row belongs to
    days.release_id, -- id of the release
    days.day_date, -- day (UTC)
    any_value(days.release_name) as release_name, -- name of the release
    count(items.release_id) as item_count, -- work items that there were at the end of the day
    count(items.release_id) filter (where items.closed_date <= days.day_date)
        as done_item_count, -- closed ones among them
    cast(coalesce(sum(items.story_point_count), 0) as bigint)
        as story_point_count, -- their story points
    cast(
        coalesce(sum(items.story_point_count) filter (where items.closed_date <= days.day_date), 0)
        as bigint
    ) as done_story_point_count -- story points of the closed ones
from days
left join items
    on items.workspace_id = days.workspace_id
    and items.release_id = days.release_id
    and items.created_date <= days.day_date
group by days.workspace_id, days.release_id, days.day_date
