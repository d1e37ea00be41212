-- Which automated tests have a last run that failed recently?
-- flow: 9 Get recent failed automated tests for a release
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_GetFailingAutoTests.htm
-- grain: one automated test; the same last run failed, is recent and is of the release
-- key: workspace_id, test_id
-- param: release_name text = null -- exact name of the last run's release; null means any, or none
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: hours integer = 24 -- length of the window; a result counts from its creation in Octane
-- param: status_code text = 'list_node.run_status.failed' -- logical name of the summary status
-- order: last_failed_at desc, workspace_id, test_id
with failed_last_runs as (
    select
        runs.workspace_id,
        runs.test_id,
        runs.run_id,
        runs.created_at,
        runs.error_type,
        runs.error_message,
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
    where runs.status_code = $status_code
        and runs.created_at > coalesce(
            $as_of, (select generation.as_of from meta.generation as generation)
        ) - to_hours($hours)
        and ($release_name is null or releases.release_name = $release_name)
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
    tests.workspace_id, -- workspace that the test belongs to
    tests.test_id, -- id of the automated test
    tests.test_name, -- name of the test
    tests.component_name, -- component of the test
    tests.package_name, -- package of the test
    tests.class_name, -- class of the test
    failures.failed_run_count, -- last runs that failed in the window, one for each environment
    failures.last_failed_at, -- when the newest of them reached Octane (UTC)
    newest.run_id as last_failed_run_id, -- the newest of them
    newest.release_name, -- release that this run counts for
    newest.build_name, -- build that reported this run
    newest.error_type, -- class of its error
    newest.error_message -- message of its error
from er.tests as tests
join failures_by_test as failures
    on failures.workspace_id = tests.workspace_id
    and failures.test_id = tests.test_id
join newest_failures as newest
    on newest.workspace_id = tests.workspace_id
    and newest.test_id = tests.test_id
where tests.test_type = 'test_automated'
