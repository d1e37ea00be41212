-- Which application modules is each work item assigned to?
-- source: octane.story__product_areas, octane.defect__product_areas
-- source: octane.quality_story__product_areas, octane.feature__product_areas
-- grain: one work item of one application module
-- key: workspace_id, work_item_id, application_module_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: application_module_id -> er.application_modules.application_module_id
with all_links as (
    select
        link._workspace_id, link.source_id, link.target_id
    from octane.story__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id
    from octane.defect__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id
    from octane.quality_story__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id
    from octane.feature__product_areas as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- work item that is assigned
    link.target_id as application_module_id -- application module that it is assigned to
from all_links as link
