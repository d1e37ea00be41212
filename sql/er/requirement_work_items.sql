-- Which work items implement each requirement?
-- source: octane.requirement_document__features
-- grain: one work item of one requirement
-- key: workspace_id, requirement_id, work_item_id
-- relation: requirement_id -> er.requirements.requirement_id
-- relation: work_item_id -> er.work_items.work_item_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as requirement_id, -- requirement that is implemented
    link.target_id as work_item_id -- work item that implements it
from octane.requirement_document__features as link
