-- Which application modules have a test whose last run failed recently?
-- flow: 10 Get application modules whose tests recently failed
-- source: https://admhelp.microfocus.com/octane/en/23.4-24.1/Online/Content/API/Scenario_GetAppModsRecentFails.htm
-- grain: one application module that such a test is assigned to directly
-- key: workspace_id, application_module_id
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: hours integer = 24 -- length of the window; a result counts from its creation in Octane
-- param: status_code text = 'list_node.run_status.failed' -- logical name of the summary status
-- param: only_automated boolean = false -- count automated tests only; the query counts all kinds
-- order: failed_test_count desc, workspace_id, application_module_id
with failures as (
    select
        test_modules.workspace_id,
        test_modules.application_module_id,
        count(distinct tests.test_id) as failed_test_count,
        count(distinct runs.run_id) as failed_run_count,
        max(runs.created_at) as last_failed_at,
    from er.test_modules as test_modules
    join er.tests as tests
        on tests.workspace_id = test_modules.workspace_id
        and tests.test_id = test_modules.test_id
    join er.last_runs as last_runs
        on last_runs.workspace_id = tests.workspace_id
        and last_runs.test_id = tests.test_id
    join er.runs as runs
        on runs.workspace_id = last_runs.workspace_id
        and runs.run_id = last_runs.run_id
    where runs.status_code = $status_code
        and runs.created_at > coalesce(
            $as_of, (select generation.as_of from meta.generation as generation)
        ) - to_hours($hours)
        and (not $only_automated or tests.test_type = 'test_automated')
    group by test_modules.workspace_id, test_modules.application_module_id
)

select
    modules.workspace_id, -- workspace that the module belongs to
    modules.application_module_id, -- id of the application module
    modules.application_module_name, -- name of the module
    parents.application_module_name as parent_name, -- module that contains it
    failures.failed_test_count, -- tests with a failed last run in the window
    failures.failed_run_count, -- failed last runs in the window, over all environments
    failures.last_failed_at -- when the newest of them reached Octane (UTC)
from er.application_modules as modules
join failures as failures
    on failures.workspace_id = modules.workspace_id
    and failures.application_module_id = modules.application_module_id
left join er.application_modules as parents
    on parents.workspace_id = modules.workspace_id
    and parents.application_module_id = modules.parent_application_module_id
