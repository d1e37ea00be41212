-- Which commits were made for each work item?
-- source: octane.story__commits
-- source: octane.defect__commits
-- source: octane.quality_story__commits
-- grain: one commit of one work item
-- key: workspace_id, work_item_id, commit_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: commit_id -> er.commits.commit_id
with all_links as (
    select
        link._workspace_id, link.source_id,
        'story' as source_type,
        link.target_id, link.target_type
    from octane.story__commits as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'defect' as source_type,
        link.target_id, link.target_type
    from octane.defect__commits as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'quality_story' as source_type,
        link.target_id, link.target_type
    from octane.quality_story__commits as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- work item that the commit was made for
    link.source_type as work_item_type, -- kind of the work item
    link.target_id as commit_id -- commit that was made for it
from all_links as link
