-- Which runs of manual tests, Gherkin tests and test suites are planned?
-- flow: 6 Get a list of planned runs for manual tests, Gherkin tests, and test suites
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_PlannedManualTests.htm
-- grain: one planned run
-- key: workspace_id, run_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: sprint_name text = null -- name of the sprint, * for any characters; null: any, or none
-- param: run_by_user_id text = null -- id of the user who is to run it; null means anybody
-- param: only_mine boolean = false -- only those that who signed in to extract is to run
-- param: test_types text = 'test_manual,gherkin_test,test_suite' -- kinds of tests, with commas
-- param: exclude_runs_inside_suites boolean = false -- leave out runs that a suite run contains
-- order: created_at, workspace_id, run_id
select
    runs.workspace_id, -- workspace that the row belongs to
    runs.run_id, -- id of the run
    runs.run_name, -- name of the run
    runs.run_type, -- run_automated, gherkin_automated_run, run_manual or run_suite
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    runs.release_id, -- release that it is planned for or counts for
    releases.release_name, -- name of that release
    runs.sprint_id, -- sprint that it is planned for
    sprints.sprint_name, -- name of that sprint
    runs.run_by_user_id, -- user who runs it
    run_by_users.full_name as run_by_name, -- full name of who runs it
    runs.parent_suite_run_id, -- suite run that contains it, null when it stands alone
    runs.created_at, -- when it was created in Octane (UTC)
    er.item_url('run', runs.workspace_id, runs.run_id) as run_url, -- where Octane shows the run
    er.item_url('test', tests.workspace_id, tests.test_id)
        as test_url -- where Octane shows the test
from er.runs as runs
-- the vendor's query asks for the kind of the test, not for the kind of the run
join er.tests as tests
    on tests.workspace_id = runs.workspace_id
    and tests.test_id = runs.test_id
left join er.signed_in_users as me
    on me.workspace_id = runs.workspace_id
left join er.releases as releases
    on releases.workspace_id = runs.workspace_id
    and releases.release_id = runs.release_id
left join er.sprints as sprints
    on sprints.workspace_id = runs.workspace_id
    and sprints.sprint_id = runs.sprint_id
left join er.users as run_by_users
    on run_by_users.workspace_id = runs.workspace_id
    and run_by_users.user_id = runs.run_by_user_id
where ($workspace_id is null or runs.workspace_id = $workspace_id)
    and runs.status_code = 'list_node.run_status.planned'
    and er.is_listed(tests.test_type, $test_types)
    and ($release_name is null or er.name_matches(releases.release_name, $release_name))
    and ($sprint_name is null or er.name_matches(sprints.sprint_name, $sprint_name))
    and ($run_by_user_id is null or runs.run_by_user_id = $run_by_user_id)
    and (not $only_mine or runs.run_by_user_id = me.user_id)
    and (not $exclude_runs_inside_suites or runs.parent_suite_run_id is null)
