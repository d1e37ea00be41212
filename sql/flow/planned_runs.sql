-- Which runs of manual tests, Gherkin tests and test suites are planned?
-- flow: 6 Get a list of planned runs for manual tests, Gherkin tests, and test suites
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_PlannedManualTests.htm
-- grain: one planned run
-- key: workspace_id, run_id
-- param: release_name text = null -- exact name of the release; null means any, or none
-- param: run_by text = null -- id of the user who is to run it; null means anybody
-- param: exclude_runs_inside_suites boolean = false -- leave out runs that a suite run contains
-- order: created_at, workspace_id, run_id
select
    runs.workspace_id, -- workspace that the run belongs to
    runs.run_id, -- id of the planned run
    runs.run_name, -- name of the run
    runs.run_type, -- run_manual or run_suite
    tests.test_id, -- test that is to be run
    tests.test_name, -- name of that test
    tests.test_type, -- test_manual, gherkin_test or test_suite
    releases.release_name, -- release that the result will count for
    run_by_users.full_name as run_by_name, -- user who is to run it
    runs.parent_suite_run_id, -- suite run that contains it, null when it stands alone
    runs.created_at -- when it was planned (UTC)
from er.runs as runs
-- the vendor's query asks for the kind of the test, not for the kind of the run
join er.tests as tests
    on tests.workspace_id = runs.workspace_id
    and tests.test_id = runs.test_id
    and tests.test_type in ('test_manual', 'gherkin_test', 'test_suite')
left join er.releases as releases
    on releases.workspace_id = runs.workspace_id
    and releases.release_id = runs.release_id
left join er.users as run_by_users
    on run_by_users.workspace_id = runs.workspace_id
    and run_by_users.user_id = runs.run_by_user_id
where runs.status_code = 'list_node.run_status.planned'
    and ($release_name is null or releases.release_name = $release_name)
    and ($run_by is null or runs.run_by_user_id = $run_by)
    and (not $exclude_runs_inside_suites or runs.parent_suite_run_id is null)
