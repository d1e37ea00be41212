-- Which user stories are not done although all of their tasks are completed?
-- flow: 22 Mark stories done if tasks are completed
-- source: https://admhelp.microfocus.com/octane/en/16.1.100-16.2.100/Online/Content/API/Scenario-TasksMarkDone.htm
-- grain: one story with at least one task and without an open one
-- key: workspace_id, work_item_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: sprint_name text = null -- name of the sprint, * for any characters; null: any, or none
-- param: work_item_types text = 'story' -- story, quality_story, defect; comma between them
-- param: task_phase_codes text = 'phase.task.completed' -- phases of a completed task, with commas
-- param: done_phase_codes text = 'phase.story.done,phase.quality_story.done,phase.defect.closed' --
--     phases of items that are done already, with commas
-- order: due_at nulls last, work_item_type, work_item_name, workspace_id, work_item_id
with tasks_by_item as (
    select
        tasks.workspace_id,
        tasks.work_item_id,
        count(*) as task_count,
        bool_and(coalesce(er.is_listed(tasks.phase_code, $task_phase_codes), false))
            as are_all_completed,
        max(tasks.modified_at) as last_task_modified_at,
    from er.tasks as tasks
    group by tasks.workspace_id, tasks.work_item_id
)

select
    items.workspace_id, -- workspace that the row belongs to
    items.work_item_id, -- id of the work item
    items.work_item_type, -- story, defect, quality_story, feature, epic or work_item_root
    items.work_item_name, -- name of the work item
    items.phase_code, -- logical name of its phase
    items.phase_label, -- phase that Octane shows
    tasks.task_count, -- its tasks, of any kind
    tasks.last_task_modified_at, -- when one of its tasks last changed in Octane (UTC)
    items.release_id, -- release that it is planned for or counts for
    items.release_name, -- name of that release
    items.sprint_id, -- sprint that it is planned for
    items.sprint_name, -- name of that sprint
    coalesce(sprints.end_at, releases.end_at)
        as due_at, -- planned end of its sprint, or of its release without one (UTC)
    items.owner_user_id, -- user who owns it
    items.owner_name, -- full name of its owner
    er.item_url('work_item', items.workspace_id, items.work_item_id)
        as work_item_url -- where Octane shows the work item
from er.work_items as items
-- an item without tasks has no row there, so that it never counts as completed
join tasks_by_item as tasks
    on tasks.workspace_id = items.workspace_id
    and tasks.work_item_id = items.work_item_id
    and tasks.are_all_completed
left join er.releases as releases
    on releases.workspace_id = items.workspace_id
    and releases.release_id = items.release_id
left join er.sprints as sprints
    on sprints.workspace_id = items.workspace_id
    and sprints.sprint_id = items.sprint_id
where ($workspace_id is null or items.workspace_id = $workspace_id)
    and items.work_item_type in ('story', 'quality_story', 'defect')
    and er.is_listed(items.work_item_type, $work_item_types)
    and not coalesce(er.is_listed(items.phase_code, $done_phase_codes), false)
    and ($release_name is null or er.name_matches(items.release_name, $release_name))
    and ($sprint_name is null or er.name_matches(items.sprint_name, $sprint_name))
