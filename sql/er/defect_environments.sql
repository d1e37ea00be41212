-- In which environments does each defect occur?
-- source: octane.defect__taxonomies
-- grain: one environment tag of one defect
-- key: workspace_id, defect_id, environment_id
-- relation: defect_id -> er.defects.defect_id
-- relation: environment_id -> er.environments.environment_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as defect_id, -- defect that occurs
    link.target_id as environment_id -- environment tag that it carries
from octane.defect__taxonomies as link
