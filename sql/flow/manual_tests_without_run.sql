-- Which manual and Gherkin tests have no run in a release yet?
-- flow: 18 Create a manual test run
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_CreateManualTestRun.htm
-- grain: one test without a run in one release that matches
-- key: workspace_id, test_id, release_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: the default
--     release, which is the newest of those that are marked so
-- param: test_types text = 'test_manual' -- kinds of tests, comma between them
-- param: phase_codes text = null -- logical names of phases, with commas; null: all but Obsolete
-- param: application_module_name text = null -- name of the module, * for any characters
-- param: subtree boolean = false -- a module stands for those nested in it too
-- param: owner_user_id text = null -- id of the user who owns the test; null means anybody
-- order: last_run_created_at nulls first, test_name, workspace_id, test_id, release_id
with tests_of_modules as (
    select
        modules.workspace_id,
        modules.test_id,
    from er.test_module_ancestors as modules
    where er.name_matches(modules.ancestor_name, $application_module_name)
        and ($subtree or modules.is_itself)
),

wanted_tests as (
    select tests.*
    from er.tests as tests
    where ($workspace_id is null or tests.workspace_id = $workspace_id)
        and tests.test_type in ('test_manual', 'gherkin_test')
        and er.is_listed(tests.test_type, $test_types)
        and case
            when $phase_codes is not null then er.is_listed(tests.phase_code, $phase_codes)
            else coalesce(
                tests.phase_code
                not in ('phase.test_manual.obsolete', 'phase.gherkin_test.obsolete'),
                true
            )
        end
        and ($owner_user_id is null or tests.owner_user_id = $owner_user_id)
        and (
            $application_module_name is null
            or exists (
                select 1
                from tests_of_modules
                where tests_of_modules.workspace_id = tests.workspace_id
                    and tests_of_modules.test_id = tests.test_id
            )
        )
),

-- of the wanted tests alone, for there are many more runs of others
runs_by_release as (
    select
        runs.workspace_id,
        runs.test_id,
        runs.release_id,
        max(runs.created_at) as last_run_created_at,
    from wanted_tests
    join er.runs as runs
        on runs.workspace_id = wanted_tests.workspace_id
        and runs.test_id = wanted_tests.test_id
    group by runs.workspace_id, runs.test_id, runs.release_id
),

newest_runs as (
    select
        runs.workspace_id,
        runs.test_id,
        max(runs.last_run_created_at) as last_run_created_at,
    from runs_by_release as runs
    group by runs.workspace_id, runs.test_id
)

select
    tests.workspace_id, -- workspace that the row belongs to
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    tests.phase_code, -- logical name of its phase
    tests.phase_label, -- phase that Octane shows
    tests.owner_user_id, -- user who owns it
    tests.owner_name, -- full name of its owner
    releases.release_id, -- release that it is planned for or counts for
    releases.release_name, -- name of that release
    newest.last_run_created_at, -- newest run of the test in any release (UTC); null: never run
    er.item_url('test', tests.workspace_id, tests.test_id)
        as test_url -- where Octane shows the test
from wanted_tests as tests
join er.releases as releases
    on releases.workspace_id = tests.workspace_id
    and case
        when $release_name is not null then er.name_matches(releases.release_name, $release_name)
        else releases.is_newest_default
    end
left join newest_runs as newest
    on newest.workspace_id = tests.workspace_id
    and newest.test_id = tests.test_id
where not exists (
    select 1
    from runs_by_release as runs
    where runs.workspace_id = tests.workspace_id
        and runs.test_id = tests.test_id
        and runs.release_id = releases.release_id
)
