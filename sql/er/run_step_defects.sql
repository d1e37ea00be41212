-- Which defects were found in each step of a run?
-- source: octane.run_step__defect
-- grain: one defect of one step of a run
-- key: workspace_id, run_step_id, defect_id
-- relation: run_step_id -> er.run_steps.run_step_id
-- relation: defect_id -> er.defects.defect_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as run_step_id, -- step of a run
    link.target_id as defect_id -- defect that was found in it
from octane.run_step__defect as link
