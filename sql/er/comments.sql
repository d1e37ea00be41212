-- What do people say about work items, tests, runs, tasks, requirements and pipelines?
-- source: octane.comment
-- grain: one comment of a workspace
-- key: workspace_id, comment_id
-- relation: author_user_id -> er.users.user_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: test_id -> er.tests.test_id
-- relation: run_id -> er.runs.run_id
-- relation: task_id -> er.tasks.task_id
-- relation: requirement_id -> er.requirements.requirement_id
-- relation: pipeline_id -> er.pipelines.pipeline_id
select
    comment._workspace_id as workspace_id, -- workspace that the row belongs to
    comment.id as comment_id, -- id of the comment
    comment.author_id as author_user_id, -- user who wrote it
    comment.text as comment_html, -- what was written, as HTML
    er.plain_text(comment.text) as comment_text, -- what was written, without marks of HTML
    comment.owner_work_item_id as work_item_id, -- work item that it is about
    comment.owner_test_id as test_id, -- test that it is about
    comment.owner_run_id as run_id, -- run that it is about
    comment.owner_task_id as task_id, -- task that it is about
    comment.owner_requirement_id as requirement_id, -- requirement that it is about
    comment.owner_pipeline_id as pipeline_id, -- pipeline that it is about
    comment.creation_time as created_at, -- when it was created in Octane (UTC)
    comment.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.comment as comment
