-- How many automated results came in each week and environment, and how many of them failed?
-- source: er.runs, er.previous_runs with their environment tags
-- grain: one week of one combination of environment tags
-- key: workspace_id, environment, week_date
with results as (
    select
        runs.workspace_id,
        'run ' || runs.run_id as result_id,
        runs.started_at,
        runs.native_status_code,
    from er.runs as runs
    where runs.run_type in ('run_automated', 'gherkin_automated_run')
        and runs.started_at is not null
    union all by name
    select
        previous_runs.workspace_id,
        'previous ' || previous_runs.previous_run_id as result_id,
        previous_runs.started_at,
        previous_runs.native_status_code,
    from er.previous_runs as previous_runs
    where previous_runs.started_at is not null
),

tags as (
    select
        run_environments.workspace_id,
        'run ' || run_environments.run_id as result_id,
        run_environments.environment_id,
    from er.run_environments as run_environments
    union all by name
    select
        previous_run_environments.workspace_id,
        'previous ' || previous_run_environments.previous_run_id as result_id,
        previous_run_environments.environment_id,
    from er.previous_run_environments as previous_run_environments
),

tag_sets as (
    select
        tags.workspace_id,
        tags.result_id,
        string_agg(
            environments.environment_name,
            ', '
            order by environments.environment_category_name, environments.environment_name
        ) as environment,
    from tags
    join er.environments as environments
        on environments.workspace_id = tags.workspace_id
        and environments.environment_id = tags.environment_id
    group by tags.workspace_id, tags.result_id
)

select
    results.workspace_id, -- workspace that the results belong to
    coalesce(tag_sets.environment, 'no environment') as environment, -- environment tags, in order
    cast(date_trunc('week', results.started_at) as date) as week_date, -- Monday of the week (UTC)
    count(*) as result_count, -- results that started in the week
    count(*) filter (
        where results.native_status_code = 'list_node.run_native_status.failed'
    ) as failed_count -- failed ones among them
from results
left join tag_sets
    on tag_sets.workspace_id = results.workspace_id
    and tag_sets.result_id = results.result_id
group by all
