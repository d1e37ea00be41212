-- Which work items did each manual run cover?
-- source: octane.run_manual__covered_content
-- grain: one work item of one run
-- key: workspace_id, run_id, work_item_id
-- relation: run_id -> er.runs.run_id
-- relation: work_item_id -> er.work_items.work_item_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as run_id, -- run that covers
    link.target_id as work_item_id -- work item that it covers
from octane.run_manual__covered_content as link
