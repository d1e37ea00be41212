-- Which environment tags does each run carry?
-- source: octane.run_automated__taxonomies
-- source: octane.gherkin_automated_run__taxonomies
-- source: octane.run_manual__taxonomies
-- grain: one environment tag of one run
-- key: workspace_id, run_id, environment_id
-- relation: run_id -> er.runs.run_id
-- relation: environment_id -> er.environments.environment_id
with all_links as (
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_automated__taxonomies as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.gherkin_automated_run__taxonomies as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_manual__taxonomies as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as run_id, -- run that carries the tag
    link.target_id as environment_id -- environment tag that it carries
from all_links as link
