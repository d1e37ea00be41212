-- Which automated tests carry a tag and belong to an application module?
-- flow: 8 Get tagged automated tests associated with an application module
-- source: https://admhelp.microfocus.com/octane/en/16.1.100/Online/Content/API/Scenario_ReportAutoTestTagAM.htm
-- grain: one test with such a tag and such a module
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: user_tag_name text = '*' -- text of the tag, * for any characters
-- param: application_module_name text = '*' -- name of the module, * for any characters
-- param: subtree boolean = false -- a module stands for those nested in it too
-- param: only_automated boolean = true -- automated tests only; false means tests of all kinds
-- order: test_name, workspace_id, test_id
with tags_by_test as (
    select
        test_tags.workspace_id,
        test_tags.test_id,
        string_agg(user_tags.user_tag_name, ', ' order by user_tags.user_tag_name)
            as user_tag_names,
    from er.test_tags as test_tags
    join er.user_tags as user_tags
        on user_tags.workspace_id = test_tags.workspace_id
        and user_tags.user_tag_id = test_tags.user_tag_id
    where er.name_matches(user_tags.user_tag_name, $user_tag_name)
    group by test_tags.workspace_id, test_tags.test_id
),

-- the modules of a test that are asked for, with $subtree also those nested in them
wanted_modules as (
    select distinct
        modules.workspace_id,
        modules.test_id,
        modules.application_module_id,
        modules.application_module_name,
    from er.test_module_ancestors as modules
    where er.name_matches(modules.ancestor_name, $application_module_name)
        and ($subtree or modules.is_itself)
),

modules_by_test as (
    select
        modules.workspace_id,
        modules.test_id,
        string_agg(
            modules.application_module_name, ', ' order by modules.application_module_name
        ) as application_module_names,
    from wanted_modules as modules
    group by modules.workspace_id, modules.test_id
)

select
    tests.workspace_id, -- workspace that the row belongs to
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    tests.component_name, -- component of the test
    tests.package_name, -- package of the test
    tests.class_name, -- class of the test
    tests.framework_code, -- logical name of the framework that runs it
    tags.user_tag_names, -- its tags that are asked for, in alphabetical order
    modules.application_module_names, -- its application modules that are asked for, in order
    tests.owner_user_id, -- user who owns it
    tests.owner_name, -- full name of its owner
    er.item_url('test', tests.workspace_id, tests.test_id)
        as test_url -- where Octane shows the test
from er.tests as tests
join tags_by_test as tags
    on tags.workspace_id = tests.workspace_id
    and tags.test_id = tests.test_id
join modules_by_test as modules
    on modules.workspace_id = tests.workspace_id
    and modules.test_id = tests.test_id
where ($workspace_id is null or tests.workspace_id = $workspace_id)
    and (not $only_automated or tests.test_type = 'test_automated')
