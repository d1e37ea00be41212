-- Which runs is each quality story about?
-- source: octane.quality_story__linked_runs
-- grain: one run of one quality story
-- key: workspace_id, work_item_id, run_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: run_id -> er.runs.run_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- quality story
    link.target_id as run_id -- run that it is about
from octane.quality_story__linked_runs as link
