-- Which runs is each defect linked to?
-- source: octane.defect__run
-- grain: one run that one defect is linked to
-- key: workspace_id, defect_id, run_id
-- relation: defect_id -> er.defects.defect_id
-- relation: run_id -> er.runs.run_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as defect_id, -- defect that is linked
    link.target_id as run_id, -- run that it is linked to
    link.target_type as run_type -- kind of the run
from octane.defect__run as link
