-- In which environments did the runs of a release take place?
-- flow: 7 Get the environments for test results for specific releases
-- source: https://admhelp.microfocus.com/octane/en/23.4-24.1/Online/Content/API/Scenario_GetResultsReleaseEnv.htm
-- grain: one run with its environment tags; a run without any too, unless tags are asked for
-- key: workspace_id, run_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: environment_category_name text = null -- category, such as Browser, * for any characters
-- param: environment_name text = null -- environment tag, such as Chrome, * for any characters
-- param: status_codes text = null -- logical names of summary statuses, with commas; null means any
-- order: created_at, workspace_id, run_id
with wanted_runs as (
    select
        runs.workspace_id,
        runs.run_id,
        runs.run_name,
        runs.run_type,
        runs.status_code,
        runs.status_label,
        runs.test_id,
        runs.release_id,
        releases.release_name,
        runs.started_at,
        runs.created_at,
    from er.runs as runs
    left join er.releases as releases
        on releases.workspace_id = runs.workspace_id
        and releases.release_id = runs.release_id
    where ($workspace_id is null or runs.workspace_id = $workspace_id)
        and ($release_name is null or er.name_matches(releases.release_name, $release_name))
        and ($status_codes is null or er.is_listed(runs.status_code, $status_codes))
),

-- of the wanted runs alone: to put the tags of all runs in order takes seconds
tags_by_run as (
    select
        run_environments.workspace_id,
        run_environments.run_id,
        count(*) as environment_count,
        er.environment_list(
            environments.environment_category_name, environments.environment_name
        ) as environment_names,
    from wanted_runs
    join er.run_environments as run_environments
        on run_environments.workspace_id = wanted_runs.workspace_id
        and run_environments.run_id = wanted_runs.run_id
    join er.environments as environments
        on environments.workspace_id = run_environments.workspace_id
        and environments.environment_id = run_environments.environment_id
    where (
        $environment_category_name is null
        or er.name_matches(environments.environment_category_name, $environment_category_name)
    )
        and (
            $environment_name is null
            or er.name_matches(environments.environment_name, $environment_name)
        )
    group by run_environments.workspace_id, run_environments.run_id
)

select
    runs.workspace_id, -- workspace that the row belongs to
    runs.run_id, -- id of the run
    runs.run_name, -- name of the run
    runs.run_type, -- run_automated, gherkin_automated_run, run_manual or run_suite
    coalesce(tags.environment_count, 0) as environment_count, -- its environment tags asked for
    tags.environment_names, -- those tags, each behind its category, in alphabetical order
    runs.status_code, -- logical name of the summary status
    runs.status_label, -- summary status that Octane shows
    tests.test_id, -- id of the test
    tests.test_name, -- name of the test
    tests.test_type, -- test_manual, gherkin_test, test_automated or test_suite
    runs.release_id, -- release that it is planned for or counts for
    runs.release_name, -- name of that release
    runs.started_at, -- when the run started (UTC)
    runs.created_at, -- when it was created in Octane (UTC)
    er.item_url('run', runs.workspace_id, runs.run_id) as run_url -- where Octane shows the run
from wanted_runs as runs
left join tags_by_run as tags
    on tags.workspace_id = runs.workspace_id
    and tags.run_id = runs.run_id
left join er.tests as tests
    on tests.workspace_id = runs.workspace_id
    and tests.test_id = runs.test_id
where tags.environment_count is not null
    or ($environment_category_name is null and $environment_name is null)
