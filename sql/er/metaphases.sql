-- Which metaphases group the phases?
-- source: octane.metaphase
-- grain: one metaphase of a workspace
-- key: workspace_id, metaphase_id
select
    metaphase._workspace_id as workspace_id, -- workspace that the row belongs to
    metaphase.id as metaphase_id, -- id of the metaphase
    metaphase.name as metaphase_label, -- name that Octane shows
    metaphase.entity as entity_type -- entity type that it is for
from octane.metaphase as metaphase
