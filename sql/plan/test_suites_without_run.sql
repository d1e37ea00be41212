-- Which requests would plan a suite run of each test suite that has none in a release?
-- flow: 20 Plan a test suite run
-- grain: one suite run to be created; a suite that would run nothing is left out
-- key: workspace_id, step
-- writes: run_suite
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: the default
--     release, which is the newest of those that are marked so
-- param: test_suite_name text = '*' -- name of the suite, * for any characters
-- order: workspace_id, step
select
    suites.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by suites.workspace_id
        order by suites.test_suite_name, suites.test_suite_id, suites.release_id
    ) as step, -- place in the order of the requests of a workspace
    'create' as operation, -- create or update
    'run_suite' as entity_type, -- entity type that is written
    cast(null as varchar) as entity_id, -- id of the item; null: the server gives one
    suites.test_suite_name as entity_name, -- name of that item
    json_object(
        'some', [
            json_object(
                'entity_type', 'test_suite_link_to_test',
                'query', 'test_suite EQ {id EQ ' || suites.test_suite_id
                    || '};include_in_next_run EQ true'
            )
        ],
        'none', [
            json_object(
                'entity_type', 'run',
                'query', 'subtype EQ ^run_suite^;test EQ {id EQ ' || suites.test_suite_id
                    || '};release EQ {id EQ ' || suites.release_id || '}'
            )
        ]
    ) as expected, -- what must hold before: fields, none and some that match a query
    json_object(
        'name', suites.test_suite_name,
        'test', er.reference('test_suite', suites.test_suite_id),
        'release', er.reference('release', suites.release_id),
        'native_status', er.reference(
            'list_node',
            coalesce(statuses.list_item_id, 'list_node.run_native_status.planned')
        )
    ) as body, -- what is sent, as JSON
    'it has no suite run in the release ' || suites.release_name || '; tests in it: '
        || suites.included_test_count as reason -- why it is sent
from flow.test_suites_without_run(
    workspace_id := $workspace_id,
    release_name := $release_name,
    test_suite_name := $test_suite_name
) as suites
left join er.list_items as statuses
    on statuses.workspace_id = suites.workspace_id
    and statuses.list_item_code = 'list_node.run_native_status.planned'
where suites.included_test_count > 0
