-- Which earlier results of a run or of a build failed?
-- flow: 17 Get failed runs by checking the run history
-- source: https://admhelp.microfocus.com/octane/en/16.1.100/Online/Content/API/Scenario_RunHistory.htm
-- grain: one failed result that a later result of the same run replaced
-- key: workspace_id, previous_run_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: run_id integer = null -- run whose history is asked for; null means every run
-- param: build_id integer = null -- build that reported the results; null means every build
-- param: since timestamp = null -- only results that started after this moment (UTC)
-- param: as_of timestamp = null -- end of the window (UTC); null: the extract's, and all read since
-- param: days integer = null -- only results that started in that many days before as_of
-- param: status_code text = 'list_node.run_native_status.failed' -- logical name, native status
-- note: past: results that were replaced since are there, too, which were those of runs then
-- order: started_at desc, workspace_id, previous_run_id
with wanted_results as (
    select previous_runs.*
    from er.previous_runs as previous_runs
    where ($workspace_id is null or previous_runs.workspace_id = $workspace_id)
        and previous_runs.native_status_code = $status_code
        and ($run_id is null or previous_runs.run_id = cast($run_id as varchar))
        and ($build_id is null or previous_runs.build_id = cast($build_id as varchar))
        and ($since is null or previous_runs.started_at > $since)
        and (
            $days is null
            or previous_runs.started_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and ($as_of is null or previous_runs.started_at <= $as_of)
),

-- environments are put in order for wanted results alone
environments_by_run as (
    select
        run_environments.workspace_id,
        run_environments.previous_run_id,
        er.environment_list(
            environments.environment_category_name, environments.environment_name
        ) as all_environment_names,
    from wanted_results
    join er.previous_run_environments as run_environments
        on run_environments.workspace_id = wanted_results.workspace_id
        and run_environments.previous_run_id = wanted_results.previous_run_id
    join er.environments as environments
        on environments.workspace_id = run_environments.workspace_id
        and environments.environment_id = run_environments.environment_id
    group by run_environments.workspace_id, run_environments.previous_run_id
)

select
    previous_runs.workspace_id, -- workspace that the row belongs to
    previous_runs.previous_run_id, -- id of the row of history
    previous_runs.run_id, -- id of the run
    previous_runs.test_id, -- id of the test
    previous_runs.test_name, -- name of the test at that time
    previous_runs.component_name, -- component of the test
    previous_runs.package_name, -- package of the test
    previous_runs.class_name, -- class of the test
    previous_runs.build_id, -- build that reported it
    previous_runs.build_name, -- name or number of the build
    previous_runs.pipeline_name, -- name of the pipeline
    previous_runs.native_status_code, -- logical name of the status as it was reported
    previous_runs.started_at, -- when the run started (UTC)
    previous_runs.duration_ms, -- length of the run
    previous_runs.error_type, -- class of the error
    previous_runs.error_message, -- message of the error
    previous_runs.error_details, -- stack trace of the error
    previous_runs.failed_build_count, -- builds in a row that it has been failing
    environments.all_environment_names, -- all its tags, each behind its category, in order
    previous_runs.release_id, -- release that it is planned for or counts for
    releases.release_name, -- name of that release
    er.item_url('run', previous_runs.workspace_id, previous_runs.run_id)
        as run_url, -- where Octane shows the run
    er.item_url('test', previous_runs.workspace_id, previous_runs.test_id)
        as test_url -- where Octane shows the test
from wanted_results as previous_runs
left join environments_by_run as environments
    on environments.workspace_id = previous_runs.workspace_id
    and environments.previous_run_id = previous_runs.previous_run_id
left join er.releases as releases
    on releases.workspace_id = previous_runs.workspace_id
    and releases.release_id = previous_runs.release_id
