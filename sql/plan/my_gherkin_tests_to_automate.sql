-- Which requests would set the automation status of my Gherkin tests?
-- flow: 5 Get and update Gherkin tests that are ready for automation
-- grain: one Gherkin test to be updated
-- key: workspace_id, step
-- writes: gherkin_test
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: user_id text = null -- id of the user whose work it is; null means who signed in to extract
-- param: automation_status_codes text = 'list_node.automation_status.ready_for_automation' --
--     logical names of the automation status, comma between them
-- param: new_automation_status_code text = 'list_node.automation_status.automated' -- logical name that
--     the automation status is set to
-- order: workspace_id, step
select
    tests.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by tests.workspace_id
        order by tests.test_name, tests.test_id
    ) as step, -- place in the order of the requests of a workspace
    'update' as operation, -- create or update
    'gherkin_test' as entity_type, -- entity type that is written
    tests.test_id as entity_id, -- id of the item; null: the server gives one
    tests.test_name as entity_name, -- name of that item
    json_object(
        'fields', json_object(
            'automation_status', er.reference('list_node', current_statuses.list_item_id),
            'owner', er.reference('workspace_user', tests.owner_user_id)
        )
    ) as expected, -- what must hold before: fields, none and some that match a query
    json_object(
        'automation_status', er.reference(
            'list_node', coalesce(new_statuses.list_item_id, $new_automation_status_code)
        )
    ) as body, -- what is sent, as JSON
    'its automation status is ' || coalesce(tests.automation_status_label, 'not set')
        as reason -- why it is sent
from flow.my_gherkin_tests_to_automate(
    workspace_id := $workspace_id,
    user_id := $user_id,
    automation_status_codes := $automation_status_codes
) as tests
left join er.list_items as current_statuses
    on current_statuses.workspace_id = tests.workspace_id
    and current_statuses.list_item_code = tests.automation_status_code
left join er.list_items as new_statuses
    on new_statuses.workspace_id = tests.workspace_id
    and new_statuses.list_item_code = $new_automation_status_code
where tests.automation_status_code is distinct from $new_automation_status_code
