-- How many automated results came in each week and environment, and how many of them failed?
-- source: er.automated_results
-- grain: one week of one combination of environment tags
-- key: workspace_id, environment_ids, week_date
-- param: workspace_id text = null -- workspace to look at; null means all
-- note: definition: weeks begin on Monday, as in ISO 8601 (2019); the counts are of our own
-- note: not told apart: few results because little ran, and because little was read
-- note: retries: each retry that was reported on its own is a result
-- note: branches: the results of all pipelines count together
-- note: environments: each set of environment tags is a row, by ids; other names or categories
--     change nothing
-- note: gaps: a week without results has no row
-- note: renames: an environment keeps its rows, and is shown with its name of today
-- order: workspace_id, environment_label, environment_ids, week_date
select
    results.workspace_id, -- workspace that the results belong to
    results.environment_ids, -- ids of the environment tags, with commas; null without tags
    results.environment_label, -- environment tags of the results, each behind its category
    cast(date_trunc('week', results.result_at) as date) as week_date, -- Monday of the week (UTC)
    count(*) as result_count, -- results of the week
    count(*) filter (
        where results.native_status_code = 'list_node.run_native_status.failed'
    ) as failed_count -- failed ones among them
from er.automated_results as results
where results.result_at is not null
    and ($workspace_id is null or results.workspace_id = $workspace_id)
group by all
