-- Which automated tests have a last run that failed recently?
-- flow: 9 Get recent failed automated tests for a release
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_GetFailingAutoTests.htm
-- grain: one test; the same last run failed, is recent and is of the release
-- key: workspace_id, test_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: as_of timestamp = null -- end of the window (UTC); null: the extract's, and all read since
-- param: hours integer = 24 -- length of the window; a result counts from its creation in Octane
-- param: status_codes text = 'list_node.run_status.failed' -- summary statuses, with commas
-- param: only_automated boolean = true -- automated tests only; false means tests of all kinds
-- note: past: last runs are those of now, so a test that ran again since counts by its newest run
--     alone
-- order: last_failed_at desc, workspace_id, test_id
with failed_last_runs as (
    select
        last_runs.workspace_id,
        last_runs.test_id,
        last_runs.run_id,
        last_runs.created_at,
        runs.error_type,
        runs.error_message,
        runs.release_id,
        releases.release_name,
        builds.build_name,
    from er.last_runs as last_runs
    join er.runs as runs
        on runs.workspace_id = last_runs.workspace_id
        and runs.run_id = last_runs.run_id
    left join er.releases as releases
        on releases.workspace_id = runs.workspace_id
        and releases.release_id = runs.release_id
    left join er.builds as builds
        on builds.workspace_id = runs.workspace_id
        and builds.build_id = runs.build_id
    where er.is_listed(last_runs.status_code, $status_codes)
        and last_runs.created_at > er.as_of($as_of) - to_hours($hours)
        and ($as_of is null or last_runs.created_at <= $as_of)
        and ($release_name is null or er.name_matches(releases.release_name, $release_name))
),

failures_by_test as (
    select
        failed.workspace_id,
        failed.test_id,
        count(*) as failed_run_count,
        max(failed.created_at) as last_failed_at,
    from failed_last_runs as failed
    group by failed.workspace_id, failed.test_id
),

newest_failures as (
    select failed.*
    from failed_last_runs as failed
    qualify row_number() over (
        partition by failed.workspace_id, failed.test_id
        order by failed.created_at desc, failed.run_id desc
    ) = 1
)

select
    tests.workspace_id, -- workspace that the row belongs to
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    tests.component_name, -- component of the test
    tests.package_name, -- package of the test
    tests.class_name, -- class of the test
    failures.failed_run_count, -- failed last runs in the window, over all environments
    failures.last_failed_at, -- when the newest of them reached Octane (UTC)
    newest.run_id as last_failed_run_id, -- the newest of them
    newest.release_id, -- release that it is planned for or counts for
    newest.release_name, -- name of that release
    newest.build_name, -- name or number of the build
    newest.error_type, -- class of the error
    newest.error_message, -- message of the error
    tests.owner_user_id, -- user who owns it
    tests.owner_name, -- full name of its owner
    er.item_url('test', tests.workspace_id, tests.test_id)
        as test_url, -- where Octane shows the test
    er.item_url('run', newest.workspace_id, newest.run_id) as run_url -- where Octane shows the run
from er.tests as tests
join failures_by_test as failures
    on failures.workspace_id = tests.workspace_id
    and failures.test_id = tests.test_id
join newest_failures as newest
    on newest.workspace_id = tests.workspace_id
    and newest.test_id = tests.test_id
where ($workspace_id is null or tests.workspace_id = $workspace_id)
    and (not $only_automated or tests.test_type = 'test_automated')
