-- Which tasks do the work items have?
-- source: octane.task, octane.workspace_user
-- grain: one task of a workspace
-- key: workspace_id, task_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: owner_user_id -> er.users.user_id
-- relation: phase_id -> er.phases.phase_id
select
    task._workspace_id as workspace_id, -- workspace that the row belongs to
    task.id as task_id, -- id of the task
    task.name as task_name, -- name of the task
    task.story_id as work_item_id, -- story, quality story or defect that it belongs to
    task.phase_id, -- phase that it is in
    coalesce(phases.phase_code, task.phase_id) as phase_code, -- logical name of its phase
    coalesce(kinds.list_item_code, task.item_type_id) as task_type_code, -- logical name of its kind
    task.owner_id as owner_user_id, -- user who owns it
    owner.full_name as owner_name, -- full name of its owner
    task.estimated_hours, -- hours that it was estimated at
    task.invested_hours, -- hours that were spent
    task.remaining_hours, -- hours that are left
    task.creation_time as created_at, -- when it was created in Octane (UTC)
    task.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.task as task
left join er.phases as phases
    on phases.workspace_id = task._workspace_id
    and phases.phase_id = task.phase_id
left join er.list_items as kinds
    on kinds.workspace_id = task._workspace_id
    and kinds.list_item_id = task.item_type_id
left join octane.workspace_user as owner
    on owner._workspace_id = task._workspace_id
    and owner.id = task.owner_id
