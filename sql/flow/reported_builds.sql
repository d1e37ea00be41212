-- Which builds did the pipelines report, and how did their tests end?
-- flow: 15 Report results from a pipeline
-- source: https://admhelp.microfocus.com/octane/en/16.1.100-16.2.100/Online/Content/API/Scenario_PipelineReportResults.htm
-- grain: one build in one run of a pipeline
-- key: workspace_id, pipeline_run_id, build_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: ci_server_name text = '*' -- name of the CI server, * for any characters
-- param: pipeline_name text = '*' -- name of the pipeline, * for any characters
-- param: pipeline_id text = null -- id of the pipeline; null means every pipeline
-- param: since timestamp = null -- only builds that started at or after this moment (UTC)
-- param: until timestamp = null -- only builds that started before this moment (UTC)
-- param: build_results text = null -- results such as failure, with commas; null means any
-- order: build_started_at desc, workspace_id, pipeline_run_id, build_id
with results as (
    select
        runs.workspace_id,
        runs.build_id,
        runs.native_status_code,
        true as is_current,
    from er.runs as runs
    where runs.build_id is not null
    union all by name
    -- a run keeps its newest result alone; what earlier builds reported is in its history
    select
        previous_runs.workspace_id,
        previous_runs.build_id,
        previous_runs.native_status_code,
        false as is_current,
    from er.previous_runs as previous_runs
    where previous_runs.build_id is not null
),

results_by_build as (
    select
        results.workspace_id,
        results.build_id,
        count(*) as result_count,
        count(*) filter (where results.native_status_code = 'list_node.run_native_status.passed')
            as passed_count,
        count(*) filter (where results.native_status_code = 'list_node.run_native_status.failed')
            as failed_count,
        count(*) filter (where results.native_status_code = 'list_node.run_native_status.skipped')
            as skipped_count,
        count(*) filter (where results.is_current) as current_result_count,
    from results
    group by results.workspace_id, results.build_id
)

select
    pipeline_runs.workspace_id, -- workspace that the row belongs to
    pipeline_runs.pipeline_run_id, -- run of the pipeline that the build is part of
    builds.build_id, -- build that reported it
    builds.build_name, -- name or number of the build
    pipelines.pipeline_id, -- pipeline that reported it
    pipelines.pipeline_name, -- name of the pipeline
    pipelines.ci_server_id, -- CI server that runs it
    servers.ci_server_name, -- name of the CI server
    builds.build_status_label, -- state that Octane shows
    builds.build_result_label, -- result that the CI server reported
    builds.started_at as build_started_at, -- when the build started (UTC)
    builds.duration_ms as build_duration_ms, -- length of the build
    pipeline_runs.release_id, -- release that it is planned for or counts for
    releases.release_name, -- name of that release
    coalesce(counts.result_count, 0) as result_count, -- results of tests, of any status
    coalesce(counts.passed_count, 0) as passed_count, -- results that are Passed
    coalesce(counts.failed_count, 0) as failed_count, -- results that are Failed
    coalesce(counts.skipped_count, 0) as skipped_count, -- results that are Skipped
    coalesce(counts.current_result_count, 0)
        as current_result_count, -- results that no later build replaced
    er.item_url('pipeline', pipelines.workspace_id, pipelines.pipeline_id)
        as pipeline_url -- where Octane shows the pipeline
from er.pipeline_runs as pipeline_runs
join er.pipelines as pipelines
    on pipelines.workspace_id = pipeline_runs.workspace_id
    and pipelines.pipeline_id = pipeline_runs.pipeline_id
join er.pipeline_run_builds as links
    on links.workspace_id = pipeline_runs.workspace_id
    and links.pipeline_run_id = pipeline_runs.pipeline_run_id
join er.builds as builds
    on builds.workspace_id = links.workspace_id
    and builds.build_id = links.build_id
left join er.ci_servers as servers
    on servers.workspace_id = pipelines.workspace_id
    and servers.ci_server_id = pipelines.ci_server_id
left join er.releases as releases
    on releases.workspace_id = pipeline_runs.workspace_id
    and releases.release_id = pipeline_runs.release_id
left join results_by_build as counts
    on counts.workspace_id = builds.workspace_id
    and counts.build_id = builds.build_id
where ($workspace_id is null or pipeline_runs.workspace_id = $workspace_id)
    and er.name_matches(pipelines.pipeline_name, $pipeline_name)
    and ($ci_server_name = '*' or er.name_matches(servers.ci_server_name, $ci_server_name))
    and ($pipeline_id is null or pipelines.pipeline_id = $pipeline_id)
    and ($since is null or builds.started_at >= $since)
    and ($until is null or builds.started_at < $until)
    and ($build_results is null or er.is_listed(builds.build_result_label, $build_results))
