-- Which results of automated tests are there, current and replaced?
-- source: er.runs, er.previous_runs with their environment tags
-- grain: one automated result
-- key: workspace_id, result_id
-- rows: er.runs where run_type in ('run_automated', 'gherkin_automated_run')
-- rows: er.previous_runs
with named_pipelines as (
    -- names of pipelines are unique in a workspace; should they not be, no result comes twice
    select
        pipelines.workspace_id,
        pipelines.pipeline_name,
        min(pipelines.pipeline_id) as pipeline_id,
    from er.pipelines as pipelines
    group by pipelines.workspace_id, pipelines.pipeline_name
),

all_results as (
    select
        runs.workspace_id,
        true as is_current,
        runs.run_id as owner_id,
        runs.run_id,
        runs.test_id,
        tests.test_name,
        runs.native_status_code,
        coalesce(runs.started_at, runs.created_at) as result_at,
        runs.duration_ms,
        runs.build_id,
        builds.build_name,
        runs.pipeline_id,
        pipelines.pipeline_name,
        runs.release_id,
        runs.attempt_count,
        runs.is_flaky_result,
        runs.error_type,
        runs.error_message,
        runs.error_details,
    from er.runs as runs
    left join er.tests as tests
        on tests.workspace_id = runs.workspace_id
        and tests.test_id = runs.test_id
    left join er.builds as builds
        on builds.workspace_id = runs.workspace_id
        and builds.build_id = runs.build_id
    left join er.pipelines as pipelines
        on pipelines.workspace_id = runs.workspace_id
        and pipelines.pipeline_id = runs.pipeline_id
    where runs.run_type in ('run_automated', 'gherkin_automated_run')
    union all by name
    select
        previous_runs.workspace_id,
        false as is_current,
        previous_runs.previous_run_id as owner_id,
        previous_runs.run_id,
        previous_runs.test_id,
        previous_runs.test_name,
        previous_runs.native_status_code,
        previous_runs.started_at as result_at,
        previous_runs.duration_ms,
        previous_runs.build_id,
        previous_runs.build_name,
        coalesce(previous_runs.pipeline_id, named_pipelines.pipeline_id) as pipeline_id,
        previous_runs.pipeline_name,
        previous_runs.release_id,
        previous_runs.error_type,
        previous_runs.error_message,
        previous_runs.error_details,
    from er.previous_runs as previous_runs
    left join named_pipelines
        on named_pipelines.workspace_id = previous_runs.workspace_id
        and named_pipelines.pipeline_name = previous_runs.pipeline_name
),

-- not materialized: who does not ask for labels does not pay for them
tags as not materialized (
    select
        run_environments.workspace_id,
        true as is_current,
        run_environments.run_id as owner_id,
        run_environments.environment_id,
    from er.run_environments as run_environments
    union all by name
    select
        previous_run_environments.workspace_id,
        false as is_current,
        previous_run_environments.previous_run_id as owner_id,
        previous_run_environments.environment_id,
    from er.previous_run_environments as previous_run_environments
),

-- results are many and sets of tags are few: each set is labelled once
tag_sets as not materialized (
    select
        tags.workspace_id,
        tags.is_current,
        tags.owner_id,
        list_sort(list(tags.environment_id)) as environment_ids,
    from tags
    group by tags.workspace_id, tags.is_current, tags.owner_id
),

examples as (
    select
        tag_sets.workspace_id,
        tag_sets.environment_ids,
        min((tag_sets.is_current, tag_sets.owner_id)) as owner,
    from tag_sets
    group by tag_sets.workspace_id, tag_sets.environment_ids
),

set_tags as (
    select
        examples.workspace_id,
        examples.environment_ids,
        tags.environment_id,
        environments.environment_category_name,
        -- a tag whose name was not read still keeps its results apart from those of others
        coalesce(environments.environment_name, tags.environment_id) as environment_name,
    from examples
    join tags
        on tags.workspace_id = examples.workspace_id
        and (tags.is_current, tags.owner_id) = examples.owner
    left join er.environments as environments
        on environments.workspace_id = tags.workspace_id
        and environments.environment_id = tags.environment_id
),

set_names as (
    select
        set_tags.workspace_id,
        set_tags.environment_ids,
        er.environment_list(set_tags.environment_category_name, set_tags.environment_name)
            as label,
        string_agg(set_tags.environment_id, ', ' order by set_tags.environment_id) as id_list,
    from set_tags
    group by set_tags.workspace_id, set_tags.environment_ids
),

-- a set of tags is what its ids are: where two would look the same, their labels say more
labels as (
    select
        set_names.workspace_id,
        set_names.environment_ids,
        case
            when count(*) over (
                partition by set_names.workspace_id, set_names.label
            ) = 1
                and set_names.label <> 'no environment'
                then set_names.label
            else set_names.label || ' (' || set_names.id_list || ')'
        end as environment_label,
    from set_names
)

select
    results.workspace_id, -- workspace that the row belongs to
    case when results.is_current then 'run ' else 'previous ' end || results.owner_id
        as result_id, -- 'run ' or 'previous ' and the id of the row that holds the result
    results.is_current, -- false when a later result of the same run replaced it
    results.run_id, -- run that the result belongs to; the run may be gone
    results.test_id, -- test that was run; the test may be gone
    results.test_name, -- name of the test
    array_to_string(tag_sets.environment_ids, ',')
        as environment_ids, -- ids of the environment tags, with commas; null without tags
    coalesce(labels.environment_label, 'no environment')
        as environment_label, -- environment tags behind their categories; it tells each set apart
    results.native_status_code, -- logical name of the status as it was reported
    results.result_at, -- when it started, or reached Octane where no start is known (UTC)
    results.duration_ms, -- length of the run; tools that do not know it report 0
    results.build_id, -- build that reported it; the build may be gone
    results.build_name, -- name or number of the build
    results.pipeline_id, -- pipeline that reported it; the pipeline may be gone
    results.pipeline_name, -- name of that pipeline
    results.release_id, -- release that the result counts for
    results.attempt_count, -- attempts that it is made of; null where that is not told
    results.is_flaky_result, -- whether attempts failed and passed; null where that is not told
    results.error_type, -- class of the error
    results.error_message, -- message of the error
    results.error_details -- stack trace of the error
from all_results as results
left join tag_sets
    on tag_sets.workspace_id = results.workspace_id
    and tag_sets.is_current = results.is_current
    and tag_sets.owner_id = results.owner_id
left join labels
    on labels.workspace_id = tag_sets.workspace_id
    and labels.environment_ids = tag_sets.environment_ids
