-- Which environment tags did each replaced result carry?
-- source: octane.run_history__taxonomies
-- grain: one environment tag of one replaced result
-- key: workspace_id, previous_run_id, environment_id
-- relation: previous_run_id -> er.previous_runs.previous_run_id
-- relation: environment_id -> er.environments.environment_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as previous_run_id, -- replaced result that carries the tag
    link.target_id as environment_id -- environment tag that it carries
from octane.run_history__taxonomies as link
