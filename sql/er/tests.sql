-- Which tests are there, of all kinds?
-- source: octane.test_manual, octane.gherkin_test, octane.test_automated, octane.test_suite
-- source: octane.workspace_user
-- grain: one test of a workspace
-- key: workspace_id, test_id
-- relation: owner_user_id -> er.users.user_id
-- relation: designer_user_id -> er.users.user_id
-- relation: author_user_id -> er.users.user_id
-- relation: framework_id -> er.list_items.list_item_id
-- relation: automation_status_id -> er.list_items.list_item_id
-- relation: phase_id -> er.phases.phase_id
-- relation: program_id -> er.programs.program_id
with all_tests as (
    select
        test_manual._workspace_id, test_manual.id, test_manual.type, test_manual.name,
        test_manual.owner_id, test_manual.designer_id, test_manual.author_id,
        test_manual.creation_time, test_manual.last_modified, test_manual.phase_id,
        test_manual.automation_status_id, test_manual.program_id
    from octane.test_manual as test_manual
    union all by name
    select
        gherkin_test._workspace_id, gherkin_test.id, gherkin_test.type, gherkin_test.name,
        gherkin_test.owner_id, gherkin_test.designer_id, gherkin_test.author_id,
        gherkin_test.creation_time, gherkin_test.last_modified, gherkin_test.phase_id,
        gherkin_test.automation_status_id, gherkin_test.program_id
    from octane.gherkin_test as gherkin_test
    union all by name
    select
        test_automated._workspace_id, test_automated.id, test_automated.type, test_automated.name,
        test_automated.owner_id, test_automated.designer_id, test_automated.author_id,
        test_automated.creation_time, test_automated.last_modified, test_automated.component,
        test_automated.package, test_automated.class_name, test_automated.framework_id,
        test_automated.program_id
    from octane.test_automated as test_automated
    union all by name
    select
        test_suite._workspace_id, test_suite.id, test_suite.type, test_suite.name,
        test_suite.owner_id, test_suite.designer_id, test_suite.author_id, test_suite.creation_time,
        test_suite.last_modified, test_suite.program_id
    from octane.test_suite as test_suite
)

select
    test._workspace_id as workspace_id, -- workspace that the row belongs to
    test.id as test_id, -- id, unique over all kinds
    test.type as test_type, -- test_manual, gherkin_test, test_automated or test_suite
    test.name as test_name, -- name of the test
    test.component as component_name, -- component of an automated test
    test.package as package_name, -- package of an automated test
    test.class_name, -- class of an automated test
    test.framework_id, -- list value of the framework
    coalesce(frameworks.list_item_code, test.framework_id)
        as framework_code, -- logical name of the framework that runs it
    test.automation_status_id, -- list value of the automation status
    coalesce(automation_statuses.list_item_code, test.automation_status_id)
        as automation_status_code, -- logical name of the automation status
    automation_statuses.list_item_label
        as automation_status_label, -- automation status that Octane shows
    test.phase_id, -- phase that it is in
    coalesce(phases.phase_code, test.phase_id) as phase_code, -- logical name of its phase
    phases.phase_label, -- phase that Octane shows
    test.program_id, -- program that it belongs to
    test.owner_id as owner_user_id, -- user who owns it
    owner.full_name as owner_name, -- full name of its owner
    test.designer_id as designer_user_id, -- user who designs it
    test.author_id as author_user_id, -- user who created it
    test.creation_time as created_at, -- when it was created in Octane (UTC)
    test.last_modified as modified_at -- when it last changed in Octane (UTC)
from all_tests as test
left join er.list_items as frameworks
    on frameworks.workspace_id = test._workspace_id
    and frameworks.list_item_id = test.framework_id
left join er.list_items as automation_statuses
    on automation_statuses.workspace_id = test._workspace_id
    and automation_statuses.list_item_id = test.automation_status_id
left join er.phases as phases
    on phases.workspace_id = test._workspace_id
    and phases.phase_id = test.phase_id
left join octane.workspace_user as owner
    on owner._workspace_id = test._workspace_id
    and owner.id = test.owner_id
