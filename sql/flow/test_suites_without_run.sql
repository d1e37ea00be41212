-- Which test suites have no suite run in a release yet, and what would one contain?
-- flow: 20 Plan a test suite run
-- source: https://admhelp.microfocus.com/octane/en/latest/Online/Content/API/Scenario_CreateTestSuiteRun.htm
-- grain: one test suite without a suite run in one release that matches
-- key: workspace_id, test_suite_id, release_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: the default
--     release, which is the newest of those that are marked so
-- param: test_suite_name text = '*' -- name of the suite, * for any characters
-- order: test_suite_name, workspace_id, test_suite_id, release_id
with links_by_suite as (
    select
        suite_links.workspace_id,
        suite_links.test_suite_id,
        count(*) filter (where suite_links.is_in_next_run is distinct from false)
            as included_test_count,
        count(*) filter (where not suite_links.is_in_next_run) as left_out_test_count,
        string_agg(
            tests.test_name, ', '
            order by suite_links.position_number, suite_links.suite_link_id
        ) filter (
            where suite_links.is_in_next_run is distinct from false
        ) as included_test_names,
    from er.suite_links as suite_links
    left join er.tests as tests
        on tests.workspace_id = suite_links.workspace_id
        and tests.test_id = suite_links.test_id
    group by suite_links.workspace_id, suite_links.test_suite_id
),

-- runs inside a suite run are of the contained tests; only the suite run is of the suite
newest_suite_runs as (
    select runs.*
    from er.runs as runs
    where runs.run_type = 'run_suite'
    qualify row_number() over (
        partition by runs.workspace_id, runs.test_id
        order by runs.created_at desc, runs.run_id desc
    ) = 1
)

select
    suites.workspace_id, -- workspace that the row belongs to
    suites.test_id as test_suite_id, -- id of the test suite
    suites.test_name as test_suite_name, -- name of the test suite
    releases.release_id, -- release that it is planned for or counts for
    releases.release_name, -- name of that release
    coalesce(links.included_test_count, 0)
        as included_test_count, -- tests that the next suite run includes; one may count twice
    coalesce(links.left_out_test_count, 0)
        as left_out_test_count, -- tests of the suite that the next suite run leaves out
    links.included_test_names, -- names of the tests to be included, in the order of the suite
    newest.run_id as last_suite_run_id, -- newest suite run in any release; null: never run
    newest.status_code as last_status_code, -- logical name of its summary status
    newest.started_at as last_started_at, -- when it started (UTC)
    suites.owner_user_id, -- user who owns it
    suites.owner_name, -- full name of its owner
    er.item_url('test', suites.workspace_id, suites.test_id)
        as test_suite_url -- where Octane shows the test suite
from er.tests as suites
join er.releases as releases
    on releases.workspace_id = suites.workspace_id
    and case
        when $release_name is not null then er.name_matches(releases.release_name, $release_name)
        else releases.is_newest_default
    end
left join links_by_suite as links
    on links.workspace_id = suites.workspace_id
    and links.test_suite_id = suites.test_id
left join newest_suite_runs as newest
    on newest.workspace_id = suites.workspace_id
    and newest.test_id = suites.test_id
where ($workspace_id is null or suites.workspace_id = $workspace_id)
    and suites.test_type = 'test_suite'
    and er.name_matches(suites.test_name, $test_suite_name)
    and not exists (
        select 1
        from er.runs as runs
        where runs.workspace_id = suites.workspace_id
            and runs.run_type = 'run_suite'
            and runs.test_id = suites.test_id
            and runs.release_id = releases.release_id
    )
