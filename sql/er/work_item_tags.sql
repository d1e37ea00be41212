-- Which user tags does each work item carry?
-- source: octane.story__user_tags
-- source: octane.defect__user_tags
-- source: octane.quality_story__user_tags
-- source: octane.feature__user_tags
-- source: octane.epic__user_tags
-- grain: one user tag of one work item
-- key: workspace_id, work_item_id, user_tag_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: user_tag_id -> er.user_tags.user_tag_id
with all_links as (
    select
        link._workspace_id, link.source_id,
        'story' as source_type,
        link.target_id, link.target_type
    from octane.story__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'defect' as source_type,
        link.target_id, link.target_type
    from octane.defect__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'quality_story' as source_type,
        link.target_id, link.target_type
    from octane.quality_story__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'feature' as source_type,
        link.target_id, link.target_type
    from octane.feature__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'epic' as source_type,
        link.target_id, link.target_type
    from octane.epic__user_tags as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- work item that carries the tag
    link.source_type as work_item_type, -- kind of the work item
    link.target_id as user_tag_id -- tag that it carries
from all_links as link
