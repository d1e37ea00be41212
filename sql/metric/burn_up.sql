-- How did the scope of each release and the done part of it grow, day by day?
-- source: er.field_periods, er.done_periods; an item counts while it was planned for the release
-- grain: one day of one release, from its start to its end or as_of
-- key: workspace_id, release_id, day_date
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the last day is; null means the extract's
-- param: release_name text = null -- name of the release, * is any text; null means any
-- param: work_item_types text = 'story,quality_story' -- kinds of work items, with commas
-- note: definition: a burn-up chart as in Cockburn, Crystal Clear (2004): the whole scope and its
--     done part over time; by days, in items and story points
-- order: workspace_id, release_id, day_date
with days as (
    select
        releases.workspace_id,
        releases.release_id,
        releases.release_name,
        unnest(
            generate_series(
                date_trunc('day', releases.start_at),
                least(releases.end_at, er.as_of($as_of)),
                to_days(1)
            )
        ) as day_at,
    from er.releases as releases
    where releases.start_at is not null
        and releases.end_at is not null
        and ($workspace_id is null or releases.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(releases.release_name, $release_name))
),

ends as (
    select
        days.*,
        cast(days.day_at as date) as day_date,
        -- times of the server have whole seconds
        least(days.day_at + to_days(1) - to_seconds(1), er.as_of($as_of)) as last_at,
    from days
),

day_items as (
    select
        ends.workspace_id,
        ends.release_id,
        ends.day_date,
        scope.work_item_id,
        bool_or(done.work_item_id is not null) as is_done,
        max(cast(nullif(regexp_extract(estimates.field_value, '([0-9]+)', 1), '') as bigint))
            as story_points,
        bool_or(scope.value_source <> 'history' or not done.is_exact) as is_inexact,
    from ends
    join er.field_periods as scope
        on scope.workspace_id = ends.workspace_id
        and scope.field_value = ends.release_id
        and scope.field_name = 'release'
        and er.is_during(ends.last_at, scope.from_at, scope.until_at)
    left join er.done_periods as done
        on done.workspace_id = ends.workspace_id
        and done.work_item_id = scope.work_item_id
        and er.is_during(ends.last_at, done.done_at, done.undone_at)
    left join er.field_periods as estimates
        on estimates.workspace_id = ends.workspace_id
        and estimates.work_item_id = scope.work_item_id
        and estimates.field_name = 'story_points'
        and er.is_during(ends.last_at, estimates.from_at, estimates.until_at)
    where er.is_listed(scope.work_item_type, $work_item_types)
    group by ends.workspace_id, ends.release_id, ends.day_date, scope.work_item_id
)

select
    ends.workspace_id, -- workspace that the row belongs to
    ends.release_id, -- id of the release
    ends.day_date, -- day (UTC)
    any_value(ends.release_name) as release_name, -- name of the release
    count(items.work_item_id)
        as item_count, -- work items that were planned for it at the end of the day
    count(items.work_item_id) filter (where items.is_done)
        as done_item_count, -- done ones among them
    cast(coalesce(sum(items.story_points), 0) as bigint)
        as story_point_count, -- story points that they had then
    cast(coalesce(sum(items.story_points) filter (where items.is_done), 0) as bigint)
        as done_story_point_count, -- story points of the done ones
    count(items.work_item_id) filter (where items.is_inexact)
        as inexact_item_count -- items told by versions or today's values, not by the history
from ends
left join day_items as items
    on items.workspace_id = ends.workspace_id
    and items.release_id = ends.release_id
    and items.day_date = ends.day_date
group by ends.workspace_id, ends.release_id, ends.day_date
