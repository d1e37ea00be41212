-- Which manual and Gherkin tests would a test suite be filled with?
-- flow: 19 Create a test suite with manual and Gherkin tests
-- source: https://admhelp.microfocus.com/octane/en/25.1-25.3/Online/Content/API/Scenario_CreateTestSuite.htm
-- grain: one test that matches and that the suite, where one is named, does not contain
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: test_suite_id text = null -- id of the suite to fill; null means one yet to be made
-- param: test_types text = 'test_manual,gherkin_test' -- kinds of tests, comma between them
-- param: phase_codes text = null -- logical names of phases, with commas; null: all but Obsolete
-- param: application_module_name text = null -- name of the module, * for any characters
-- param: subtree boolean = false -- a module stands for those nested in it too
-- param: user_tag_name text = null -- text of the tag, * for any characters
-- param: covered_work_item_id text = null -- id of a work item that it covers; null: any, or none
-- order: test_suite_count, test_name, workspace_id, test_id
with modules_by_test as (
    select
        modules.workspace_id,
        modules.test_id,
        string_agg(
            distinct modules.application_module_name, ', '
            order by modules.application_module_name
        ) as all_application_module_names,
        bool_or(
            er.name_matches(modules.ancestor_name, $application_module_name)
            and ($subtree or modules.is_itself)
        ) as has_module,
    from er.test_module_ancestors as modules
    where er.is_listed(modules.test_type, $test_types)
    group by modules.workspace_id, modules.test_id
),

tags_by_test as (
    select
        test_tags.workspace_id,
        test_tags.test_id,
        string_agg(user_tags.user_tag_name, ', ' order by user_tags.user_tag_name)
            as all_user_tag_names,
        bool_or(er.name_matches(user_tags.user_tag_name, $user_tag_name)) as has_tag,
    from er.test_tags as test_tags
    join er.user_tags as user_tags
        on user_tags.workspace_id = test_tags.workspace_id
        and user_tags.user_tag_id = test_tags.user_tag_id
    where er.is_listed(test_tags.test_type, $test_types)
    group by test_tags.workspace_id, test_tags.test_id
),

suites_by_test as (
    select
        suite_links.workspace_id,
        suite_links.test_id,
        count(distinct suite_links.test_suite_id) as test_suite_count,
        bool_or(suite_links.test_suite_id = $test_suite_id) as is_in_suite,
    from er.suite_links as suite_links
    group by suite_links.workspace_id, suite_links.test_id
)

select
    tests.workspace_id, -- workspace that the row belongs to
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    case tests.test_type
        when 'test_manual' then 'test_suite_link_to_manual'
        when 'gherkin_test' then 'test_suite_link_to_gherkin'
        else 'test_suite_link_to_automated'
    end as suite_link_type, -- entity type that would link it to the suite
    tests.phase_code, -- logical name of its phase
    tests.phase_label, -- phase that Octane shows
    modules.all_application_module_names, -- all modules of its test, in alphabetical order
    tags.all_user_tag_names, -- all its tags, in alphabetical order
    coalesce(suites.test_suite_count, 0) as test_suite_count, -- suites that contain it already
    tests.owner_user_id, -- user who owns it
    tests.owner_name, -- full name of its owner
    er.item_url('test', tests.workspace_id, tests.test_id)
        as test_url -- where Octane shows the test
from er.tests as tests
left join modules_by_test as modules
    on modules.workspace_id = tests.workspace_id
    and modules.test_id = tests.test_id
left join tags_by_test as tags
    on tags.workspace_id = tests.workspace_id
    and tags.test_id = tests.test_id
left join suites_by_test as suites
    on suites.workspace_id = tests.workspace_id
    and suites.test_id = tests.test_id
where ($workspace_id is null or tests.workspace_id = $workspace_id)
    and tests.test_type in ('test_manual', 'gherkin_test', 'test_automated')
    and er.is_listed(tests.test_type, $test_types)
    and case
        when $phase_codes is not null then er.is_listed(tests.phase_code, $phase_codes)
        else coalesce(
            tests.phase_code not in ('phase.test_manual.obsolete', 'phase.gherkin_test.obsolete'),
            true
        )
    end
    and ($application_module_name is null or modules.has_module)
    and ($user_tag_name is null or tags.has_tag)
    and not coalesce(suites.is_in_suite, false)
    and (
        $covered_work_item_id is null
        or exists (
            select 1
            from er.test_work_items as covered
            where covered.workspace_id = tests.workspace_id
                and covered.test_id = tests.test_id
                and covered.work_item_id = $covered_work_item_id
        )
    )
