-- Which automated runs failed, with which error, and who knows of it?
-- flow: 16 Failure results
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_PipelineReportResultsNoContext.htm
-- grain: one automated run whose newest result is of that status
-- key: workspace_id, run_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: status_codes text = 'list_node.run_status.failed' -- summary statuses, with commas
-- param: since timestamp = null -- only runs that started at or after this moment (UTC)
-- param: as_of timestamp = null -- end of the window (UTC); null: the extract's, and all read since
-- param: hours integer = null -- only runs that reached Octane in that many hours before as_of
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: build_id integer = null -- build that reported the results; null means every build
-- param: pipeline_name text = null -- name of the pipeline, * for any characters; null: any, or none
-- param: application_module_name text = null -- name of the test's module, * for any characters
-- param: subtree boolean = false -- a module stands for those nested in it too
-- param: environment_name text = null -- environment tag, such as Chrome, * for any characters
-- param: only_without_defect boolean = false -- leave out runs that a defect is linked to
-- note: past: a run has its newest result, so one that ran again since is missing;
--     flow.failed_previous_runs has what was replaced
-- order: created_at desc, workspace_id, run_id
with failed_runs as (
    select runs.*
    from er.runs as runs
    where ($workspace_id is null or runs.workspace_id = $workspace_id)
        and runs.run_type in ('run_automated', 'gherkin_automated_run')
        and er.is_listed(runs.status_code, $status_codes)
        and ($since is null or runs.started_at >= $since)
        and (
            $hours is null
            or runs.created_at > er.as_of($as_of) - to_hours($hours)
        )
        and ($as_of is null or runs.created_at <= $as_of)
        and ($build_id is null or runs.build_id = cast($build_id as varchar))
),

-- of the failed runs alone: to put the tags of all runs in order takes seconds
environments_by_run as (
    select
        run_environments.workspace_id,
        run_environments.run_id,
        er.environment_list(
            environments.environment_category_name, environments.environment_name
        ) as all_environment_names,
        -- the condition of one tag, for the run as a whole
        bool_or(er.name_matches(environments.environment_name, $environment_name))
            as has_environment,
    from failed_runs
    join er.run_environments as run_environments
        on run_environments.workspace_id = failed_runs.workspace_id
        and run_environments.run_id = failed_runs.run_id
    join er.environments as environments
        on environments.workspace_id = run_environments.workspace_id
        and environments.environment_id = run_environments.environment_id
    group by run_environments.workspace_id, run_environments.run_id
),

defects_by_run as (
    select
        defect_runs.workspace_id,
        defect_runs.run_id,
        count(*) as defect_count,
        string_agg(defects.defect_id, ', ' order by defects.created_at, defects.defect_id)
            as defect_ids,
        string_agg(
            defects.defect_name || coalesce(' (' || defects.phase_label || ')', ''), ', '
            order by defects.created_at, defects.defect_id
        ) as defect_names,
    from er.defect_runs as defect_runs
    join er.defects as defects
        on defects.workspace_id = defect_runs.workspace_id
        and defects.defect_id = defect_runs.defect_id
    group by defect_runs.workspace_id, defect_runs.run_id
),

modules_by_test as (
    select
        modules.workspace_id,
        modules.test_id,
        string_agg(
            distinct modules.application_module_name, ', '
            order by modules.application_module_name
        ) as all_application_module_names,
        bool_or(
            er.name_matches(modules.ancestor_name, $application_module_name)
            and ($subtree or modules.is_itself)
        ) as has_module,
    from er.test_module_ancestors as modules
    where exists (
        select 1
        from failed_runs
        where failed_runs.workspace_id = modules.workspace_id
            and failed_runs.test_id = modules.test_id
    )
    group by modules.workspace_id, modules.test_id
)

select
    runs.workspace_id, -- workspace that the row belongs to
    runs.run_id, -- id of the run
    runs.run_type, -- run_automated, gherkin_automated_run, run_manual or run_suite
    runs.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.component_name, -- component of the test
    tests.package_name, -- package of the test
    tests.class_name, -- class of the test
    modules.all_application_module_names, -- all modules of its test, in alphabetical order
    runs.status_code, -- logical name of the summary status
    runs.error_type, -- class of the error
    runs.error_message, -- message of the error
    runs.error_details, -- stack trace of the error
    runs.failed_build_count, -- builds in a row that it has been failing
    environments.all_environment_names, -- all its tags, each behind its category, in order
    coalesce(linked.defect_count, 0) as defect_count, -- defects that are linked to the run
    linked.defect_ids, -- ids of these defects, the oldest first
    linked.defect_names, -- names and phases of these defects, the oldest first
    runs.build_id, -- build that reported it
    builds.build_name, -- name or number of the build
    runs.pipeline_id, -- pipeline that reported it
    pipelines.pipeline_name, -- name of the pipeline
    runs.release_id, -- release that it is planned for or counts for
    releases.release_name, -- name of that release
    runs.started_at, -- when the run started (UTC)
    runs.duration_ms, -- length of the run
    runs.created_at, -- when it was created in Octane (UTC)
    er.item_url('run', runs.workspace_id, runs.run_id) as run_url, -- where Octane shows the run
    er.item_url('test', runs.workspace_id, runs.test_id)
        as test_url -- where Octane shows the test
from failed_runs as runs
left join er.tests as tests
    on tests.workspace_id = runs.workspace_id
    and tests.test_id = runs.test_id
left join environments_by_run as environments
    on environments.workspace_id = runs.workspace_id
    and environments.run_id = runs.run_id
left join defects_by_run as linked
    on linked.workspace_id = runs.workspace_id
    and linked.run_id = runs.run_id
left join modules_by_test as modules
    on modules.workspace_id = runs.workspace_id
    and modules.test_id = runs.test_id
left join er.builds as builds
    on builds.workspace_id = runs.workspace_id
    and builds.build_id = runs.build_id
left join er.pipelines as pipelines
    on pipelines.workspace_id = runs.workspace_id
    and pipelines.pipeline_id = runs.pipeline_id
left join er.releases as releases
    on releases.workspace_id = runs.workspace_id
    and releases.release_id = runs.release_id
where ($release_name is null or er.name_matches(releases.release_name, $release_name))
    and ($pipeline_name is null or er.name_matches(pipelines.pipeline_name, $pipeline_name))
    and ($application_module_name is null or modules.has_module)
    and ($environment_name is null or environments.has_environment)
    and (not $only_without_defect or linked.run_id is null)
