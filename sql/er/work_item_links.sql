-- Which work items are linked to each work item?
-- source: octane.story__linked_items1
-- source: octane.defect__linked_items1
-- source: octane.quality_story__linked_items1
-- source: octane.feature__linked_items1
-- source: octane.epic__linked_items1
-- grain: one link from one work item to another
-- key: workspace_id, work_item_id, linked_work_item_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: linked_work_item_id -> er.work_items.work_item_id
with all_links as (
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.story__linked_items1 as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.defect__linked_items1 as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.quality_story__linked_items1 as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.feature__linked_items1 as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.epic__linked_items1 as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- work item that has the link
    link.target_id as linked_work_item_id -- work item that is linked to it
from all_links as link
