-- Which of my Gherkin tests are ready for automation?
-- flow: 5 Get and update Gherkin tests that are ready for automation
-- source: https://admhelp.microfocus.com/octane/en/23.4-24.1/Online/Content/API/Scenario_MyGherkinAutomateUpdate.htm
-- grain: one Gherkin test of that automation status that the user owns
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: user_id text = null -- id of the user whose work it is; null means who signed in to extract
-- param: automation_status_codes text = 'list_node.automation_status.ready_for_automation' --
--     logical names of the automation status, comma between them
-- order: modified_at, workspace_id, test_id
select
    tests.workspace_id, -- workspace that the row belongs to
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.automation_status_code, -- logical name of its automation status
    tests.automation_status_label, -- automation status that Octane shows
    tests.phase_code, -- logical name of its phase
    tests.phase_label, -- phase that Octane shows
    tests.owner_user_id, -- user who owns it
    tests.owner_name, -- full name of its owner
    tests.created_at, -- when it was created in Octane (UTC)
    tests.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('test', tests.workspace_id, tests.test_id)
        as test_url -- where Octane shows the test
from er.tests as tests
left join er.signed_in_users as me
    on me.workspace_id = tests.workspace_id
where ($workspace_id is null or tests.workspace_id = $workspace_id)
    and tests.test_type = 'gherkin_test'
    and tests.owner_user_id = coalesce($user_id, me.user_id)
    and er.is_listed(tests.automation_status_code, $automation_status_codes)
