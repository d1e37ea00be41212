-- Which work items have no task of the kind Test?
-- flow: 21 Add "test" tasks to work items that have none
-- source: https://admhelp.microfocus.com/octane/en/latest/Online/Content/API/Scenario-AddMissingTasks.htm
-- grain: one work item without such a task
-- key: workspace_id, work_item_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: work_item_types text = 'story' -- story, quality_story, defect; comma between them
-- param: task_type_code text = 'list_node.task_item_type.test' -- logical name of the kind of task
-- param: exclude_done boolean = false -- leave out items whose phase is of the metaphase Done
-- order: due_at nulls last, work_item_type, work_item_name, workspace_id, work_item_id
with tasks_by_item as (
    select
        tasks.workspace_id,
        tasks.work_item_id,
        count(*) as task_count,
        bool_or(tasks.task_type_code = $task_type_code) as has_test_task,
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
    coalesce(tasks.task_count, 0) as task_count, -- its tasks, of any kind
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
left join tasks_by_item as tasks
    on tasks.workspace_id = items.workspace_id
    and tasks.work_item_id = items.work_item_id
left join er.phases as phases
    on phases.workspace_id = items.workspace_id
    and phases.phase_code = items.phase_code
left join er.releases as releases
    on releases.workspace_id = items.workspace_id
    and releases.release_id = items.release_id
left join er.sprints as sprints
    on sprints.workspace_id = items.workspace_id
    and sprints.sprint_id = items.sprint_id
-- epics and features cannot have tasks
where ($workspace_id is null or items.workspace_id = $workspace_id)
    and items.work_item_type in ('story', 'quality_story', 'defect')
    and er.is_listed(items.work_item_type, $work_item_types)
    and not coalesce(tasks.has_test_task, false)
    and ($release_name is null or er.name_matches(items.release_name, $release_name))
    and (
        not $exclude_done
        or phases.metaphase_code is distinct from 'metaphase.work_item.done'
    )
