-- Which application modules have a test whose last run failed recently?
-- flow: 10 Get application modules whose tests recently failed
-- source: https://admhelp.microfocus.com/octane/en/23.4-24.1/Online/Content/API/Scenario_GetAppModsRecentFails.htm
-- grain: one application module that such a test is assigned to
-- key: workspace_id, application_module_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- end of the window (UTC); null: the extract's, and all read since
-- param: hours integer = 24 -- length of the window; a result counts from its creation in Octane
-- param: status_codes text = 'list_node.run_status.failed' -- summary statuses, with commas
-- param: only_automated boolean = false -- automated tests only; false means tests of all kinds
-- param: subtree boolean = false -- a module stands for those nested in it too
-- note: past: last runs are those of now, so a test that ran again since counts by its newest run
--     alone
-- order: failed_test_count desc, workspace_id, application_module_id
with failed_tests as (
    select
        last_runs.workspace_id,
        last_runs.test_id,
        any_value(tests.test_name) as test_name,
        count(*) as failed_run_count,
        max(last_runs.created_at) as last_failed_at,
    from er.last_runs as last_runs
    left join er.tests as tests
        on tests.workspace_id = last_runs.workspace_id
        and tests.test_id = last_runs.test_id
    where er.is_listed(last_runs.status_code, $status_codes)
        and last_runs.created_at > er.as_of($as_of) - to_hours($hours)
        and ($as_of is null or last_runs.created_at <= $as_of)
        and (not $only_automated or last_runs.test_type = 'test_automated')
    group by last_runs.workspace_id, last_runs.test_id
),

-- one row for each module that a failed test counts for
failed_tests_of_modules as (
    select distinct
        modules.workspace_id,
        modules.ancestor_application_module_id as application_module_id,
        failed_tests.test_id,
        failed_tests.test_name,
        failed_tests.failed_run_count,
        failed_tests.last_failed_at,
    from er.test_module_ancestors as modules
    join failed_tests
        on failed_tests.workspace_id = modules.workspace_id
        and failed_tests.test_id = modules.test_id
    where $subtree or modules.is_itself
),

failures as (
    select
        failed.workspace_id,
        failed.application_module_id,
        count(*) as failed_test_count,
        cast(sum(failed.failed_run_count) as bigint) as failed_run_count,
        max(failed.last_failed_at) as last_failed_at,
        string_agg(failed.test_name, ', ' order by failed.test_name, failed.test_id)
            as failed_test_names,
    from failed_tests_of_modules as failed
    group by failed.workspace_id, failed.application_module_id
)

select
    modules.workspace_id, -- workspace that the row belongs to
    modules.application_module_id, -- id of the application module
    modules.application_module_name, -- name of the application module
    parents.application_module_name as parent_name, -- module that contains it
    failures.failed_test_count, -- tests with a failed last run in the window
    failures.failed_run_count, -- failed last runs in the window, over all environments
    failures.failed_test_names, -- names of these tests, in alphabetical order
    failures.last_failed_at, -- when the newest of them reached Octane (UTC)
    er.item_url('product_area', modules.workspace_id, modules.application_module_id)
        as application_module_url -- where Octane shows the application module
from er.application_modules as modules
join failures
    on failures.workspace_id = modules.workspace_id
    and failures.application_module_id = modules.application_module_id
left join er.application_modules as parents
    on parents.workspace_id = modules.workspace_id
    and parents.application_module_id = modules.parent_application_module_id
where $workspace_id is null or modules.workspace_id = $workspace_id
