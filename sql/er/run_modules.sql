-- Which application modules does each run count for?
-- source: octane.run_automated__product_areas
-- source: octane.gherkin_automated_run__product_areas
-- source: octane.run_manual__product_areas
-- grain: one application module of one run
-- key: workspace_id, run_id, application_module_id
-- relation: run_id -> er.runs.run_id
-- relation: application_module_id -> er.application_modules.application_module_id
with all_links as (
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_automated__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.gherkin_automated_run__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_manual__product_areas as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as run_id, -- run that counts
    link.target_id as application_module_id -- application module that it counts for
from all_links as link
