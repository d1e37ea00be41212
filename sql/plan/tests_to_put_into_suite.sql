-- Which requests would make a test suite of the selected tests?
-- flow: 19 Create a test suite with manual and Gherkin tests
-- grain: the suite, or one test to be linked to it
-- key: workspace_id, step
-- writes: test_suite, test_suite_link_to_manual, test_suite_link_to_gherkin,
--     test_suite_link_to_automated
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: test_suite_id text = null -- id of the suite to fill; null means one yet to be made
-- param: test_types text = 'test_manual,gherkin_test' -- kinds of tests, comma between them
-- param: phase_codes text = null -- logical names of phases, with commas; null: all but Obsolete
-- param: application_module_name text = null -- name of the module, * for any characters
-- param: subtree boolean = false -- a module stands for those nested in it too
-- param: user_tag_name text = null -- text of the tag, * for any characters
-- param: covered_work_item_id text = null -- id of a work item that it covers; null: any, or none
-- param: test_suite_name text = 'Selected tests' -- name of the suite to be made
-- order: workspace_id, step
with chosen_tests as (
    select tests.*
    from flow.tests_to_put_into_suite(
        workspace_id := $workspace_id,
        test_suite_id := $test_suite_id,
        test_types := $test_types,
        phase_codes := $phase_codes,
        application_module_name := $application_module_name,
        subtree := $subtree,
        user_tag_name := $user_tag_name,
        covered_work_item_id := $covered_work_item_id
    ) as tests
    -- an existing suite is filled in its own workspace
    where $test_suite_id is null
        or exists (
            select 1
            from er.tests as suites
            where suites.workspace_id = tests.workspace_id
                and suites.test_id = $test_suite_id
                and suites.test_type = 'test_suite'
        )
),

requests as (
    select distinct
        chosen_tests.workspace_id,
        0 as position_number,
        'test_suite' as entity_type,
        $test_suite_name as entity_name,
        json_object(
            'none', [
                json_object(
                    'entity_type', 'test_suite',
                    'query', 'name EQ ' || er.query_text($test_suite_name)
                )
            ]
        ) as expected,
        json_object('name', $test_suite_name) as body,
        'the selected tests need a suite' as reason,
    from chosen_tests
    where $test_suite_id is null
    union all by name
    select
        chosen_tests.workspace_id,
        row_number() over (
            partition by chosen_tests.workspace_id
            order by chosen_tests.test_name, chosen_tests.test_id
        ) as position_number,
        chosen_tests.suite_link_type as entity_type,
        chosen_tests.test_name as entity_name,
        json_object(
            'some', [
                json_object('entity_type', 'test', 'query', 'id EQ ' || chosen_tests.test_id)
            ],
            'none', [
                json_object(
                    'entity_type', 'test_suite_link_to_test',
                    'query', 'test_suite EQ {id EQ ' || coalesce($test_suite_id, 'step:1')
                        || '};test EQ {id EQ ' || chosen_tests.test_id || '}'
                )
            ]
        ) as expected,
        json_object(
            'test', er.reference('test', chosen_tests.test_id),
            -- step:1 stands for the id that the first request gives
            'test_suite', er.reference('test', coalesce($test_suite_id, 'step:1'))
        ) as body,
        'it is selected and not in the suite' as reason,
    from chosen_tests
)

select
    requests.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by requests.workspace_id
        order by requests.position_number
    ) as step, -- place in the order of the requests of a workspace
    'create' as operation, -- create or update
    requests.entity_type, -- entity type that is written
    cast(null as varchar) as entity_id, -- id of the item; null: the server gives one
    requests.entity_name, -- name of that item
    requests.expected, -- what must hold before: fields, none and some that match a query
    requests.body, -- what is sent, as JSON
    requests.reason -- why it is sent
from requests
