-- Which application modules is each defect assigned to?
-- source: octane.defect__product_areas
-- grain: one defect of one application module
-- key: workspace_id, defect_id, application_module_id
-- relation: defect_id -> er.defects.defect_id
-- relation: application_module_id -> er.application_modules.application_module_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as defect_id, -- defect that is assigned
    link.target_id as application_module_id -- application module that it is assigned to
from octane.defect__product_areas as link
