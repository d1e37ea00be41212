-- Which requests would plan a run of each manual test that has none in a release?
-- flow: 18 Create a manual test run
-- grain: one run to be created
-- key: workspace_id, step
-- writes: run_manual
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: the default
--     release, which is the newest of those that are marked so
-- param: test_types text = 'test_manual' -- kinds of tests, comma between them
-- param: phase_codes text = null -- logical names of phases, with commas; null: all but Obsolete
-- param: application_module_name text = null -- name of the module, * for any characters
-- param: subtree boolean = false -- a module stands for those nested in it too
-- param: owner_user_id text = null -- id of the user who owns the test; null means anybody
-- param: native_status_code text = 'list_node.run_native_status.planned' -- status of the new run
-- param: run_by_user_id text = null -- id of the user who is to run it; null means anybody
-- order: workspace_id, step
select
    tests.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by tests.workspace_id
        order by tests.test_name, tests.test_id, tests.release_id
    ) as step, -- place in the order of the requests of a workspace
    'create' as operation, -- create or update
    'run_manual' as entity_type, -- entity type that is written
    cast(null as varchar) as entity_id, -- id of the item; null: the server gives one
    tests.test_name as entity_name, -- name of that item
    json_object(
        'some', [json_object('entity_type', 'test', 'query', 'id EQ ' || tests.test_id)],
        'none', [
            json_object(
                'entity_type', 'run',
                'query', 'test EQ {id EQ ' || tests.test_id
                    || '};release EQ {id EQ ' || tests.release_id || '}'
            )
        ]
    ) as expected, -- what must hold before: fields, none and some that match a query
    er.without_nulls(
        json_object(
            'name', tests.test_name,
            'test', er.reference(tests.test_type, tests.test_id),
            'release', er.reference('release', tests.release_id),
            'native_status', er.reference(
                'list_node', coalesce(statuses.list_item_id, $native_status_code)
            ),
            'run_by', er.reference('workspace_user', $run_by_user_id)
        )
    ) as body, -- what is sent, as JSON
    'it has no run in the release ' || tests.release_name as reason -- why it is sent
from flow.manual_tests_without_run(
    workspace_id := $workspace_id,
    release_name := $release_name,
    test_types := $test_types,
    phase_codes := $phase_codes,
    application_module_name := $application_module_name,
    subtree := $subtree,
    owner_user_id := $owner_user_id
) as tests
left join er.list_items as statuses
    on statuses.workspace_id = tests.workspace_id
    and statuses.list_item_code = $native_status_code
