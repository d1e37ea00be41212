-- How many automated results came in each week and environment, and how many of them failed?
-- source: er.automated_results
-- grain: one week of one combination of environment tags
-- key: workspace_id, environment_label, week_date
-- param: workspace_id text = null -- workspace to look at; null means all
-- order: workspace_id, environment_label, week_date
select
    results.workspace_id, -- workspace that the results belong to
    results.environment_label, -- environment tags of the results, in order of their categories
    cast(date_trunc('week', results.result_at) as date) as week_date, -- Monday of the week (UTC)
    count(*) as result_count, -- results of the week
    count(*) filter (
        where results.native_status_code = 'list_node.run_native_status.failed'
    ) as failed_count -- failed ones among them
from er.automated_results as results
where results.result_at is not null
    and ($workspace_id is null or results.workspace_id = $workspace_id)
group by all
