-- What was planned for each sprint, what was done in it, and what was left over?
-- source: er.sprints, er.work_items; planned means assigned to the sprint now
-- grain: one sprint of a workspace
-- key: workspace_id, sprint_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * is any text; null means any
-- param: work_item_types text = 'story,quality_story,defect' -- kinds of work items, with commas
-- order: workspace_id, start_at desc nulls last, sprint_id
with items as (
    select
        items.workspace_id,
        items.sprint_id,
        items.closed_at,
        items.story_point_count,
        phases.metaphase_code = 'metaphase.work_item.done' as is_done,
    from er.work_items as items
    left join er.phases as phases
        on phases.workspace_id = items.workspace_id
        and phases.phase_code = items.phase_code
        and phases.entity_type = items.work_item_type
    where er.is_listed(items.work_item_type, $work_item_types)
)

select
    sprints.workspace_id, -- workspace that the row belongs to
    sprints.sprint_id, -- id of the sprint
    any_value(sprints.sprint_name) as sprint_name, -- name of the sprint
    any_value(sprints.release_name) as release_name, -- release that it belongs to
    any_value(sprints.start_at) as start_at, -- planned start (UTC)
    any_value(sprints.end_at) as end_at, -- planned end (UTC)
    count(items.sprint_id) as planned_item_count, -- work items assigned to it
    count(items.sprint_id) filter (where items.is_done) as done_item_count, -- done ones among them
    count(items.sprint_id) filter (where items.is_done and items.closed_at > sprints.end_at)
        as late_item_count, -- those done only after its end
    cast(coalesce(sum(items.story_point_count), 0) as bigint)
        as planned_story_point_count, -- points assigned
    cast(coalesce(sum(items.story_point_count) filter (where items.is_done), 0) as bigint)
        as done_story_point_count, -- points done
    round(
        count(items.sprint_id) filter (where items.is_done) / nullif(count(items.sprint_id), 0), 4
    )
        as done_ratio -- share of the items that is done; null where none is assigned
from er.sprints as sprints
left join items
    on items.workspace_id = sprints.workspace_id
    and items.sprint_id = sprints.sprint_id
where ($workspace_id is null or sprints.workspace_id = $workspace_id)
    and ($release_name is null or er.name_matches(sprints.release_name, $release_name))
group by sprints.workspace_id, sprints.sprint_id
