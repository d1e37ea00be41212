-- Which work items must be done before each work item?
-- source: octane.story__depends_on
-- source: octane.defect__depends_on
-- source: octane.quality_story__depends_on
-- source: octane.feature__depends_on
-- grain: one work item that one other depends on
-- key: workspace_id, work_item_id, needed_work_item_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: needed_work_item_id -> er.work_items.work_item_id
with all_links as (
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.story__depends_on as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.defect__depends_on as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.quality_story__depends_on as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.feature__depends_on as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- work item that depends on another
    link.target_id as needed_work_item_id -- work item that it depends on
from all_links as link
