-- What stands in whose My Work?
-- source: octane.user_item
-- grain: one item in one user's My Work
-- key: workspace_id, user_item_id
-- relation: user_id -> er.users.user_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: test_id -> er.tests.test_id
-- relation: run_id -> er.runs.run_id
-- relation: task_id -> er.tasks.task_id
-- relation: requirement_id -> er.requirements.requirement_id
select
    user_item._workspace_id as workspace_id, -- workspace that the row belongs to
    user_item.id as user_item_id, -- id of the entry
    user_item.user_id, -- user whose My Work it is
    user_item.entity_type, -- kind of the item
    user_item.my_follow_items_work_item_id as work_item_id, -- work item that the entry is for
    user_item.my_follow_items_test_id as test_id, -- test that the entry is for
    user_item.my_follow_items_run_id as run_id, -- run that the entry is for
    user_item.my_follow_items_task_id as task_id, -- task that the entry is for
    user_item.my_follow_items_requirement_id
        as requirement_id -- requirement that the entry is for
from octane.user_item as user_item
