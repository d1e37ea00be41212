-- Which files are attached, and to what?
-- source: octane.attachment
-- grain: one attachment of a workspace
-- key: workspace_id, attachment_id
-- relation: author_user_id -> er.users.user_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: test_id -> er.tests.test_id
-- relation: run_id -> er.runs.run_id
-- relation: task_id -> er.tasks.task_id
-- relation: requirement_id -> er.requirements.requirement_id
-- relation: release_id -> er.releases.release_id
-- relation: milestone_id -> er.milestones.milestone_id
-- relation: application_module_id -> er.application_modules.application_module_id
-- relation: run_step_id -> er.run_steps.run_step_id
select
    attachment._workspace_id as workspace_id, -- workspace that the row belongs to
    attachment.id as attachment_id, -- id of the attachment
    attachment.name as file_name, -- name of the file
    attachment.size as file_bytes, -- size of the file
    attachment.description as description_html, -- what was written about it, as HTML
    attachment.author_id as author_user_id, -- user who attached it
    attachment.owner_work_item_id as work_item_id, -- work item that owns it
    attachment.owner_test_id as test_id, -- test that owns it
    attachment.owner_test_type as test_type, -- kind of that test
    attachment.owner_run_id as run_id, -- run that owns it
    attachment.owner_run_step_id as run_step_id, -- step of a run that owns it
    attachment.owner_task_id as task_id, -- task that owns it
    attachment.owner_requirement_id as requirement_id, -- requirement that owns it
    attachment.owner_release_id as release_id, -- release that owns it
    attachment.owner_milestone_id as milestone_id, -- milestone that owns it
    attachment.owner_product_area_id as application_module_id, -- application module that owns it
    attachment.creation_time as created_at, -- when it was created in Octane (UTC)
    attachment.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.attachment as attachment
