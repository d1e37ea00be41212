-- Which application modules are there, and how are they nested?
-- source: octane.product_area
-- grain: one application module of a workspace
-- key: workspace_id, application_module_id
-- relation: parent_application_module_id -> er.application_modules.application_module_id
select
    product_area._workspace_id as workspace_id, -- workspace that the row belongs to
    product_area.id as application_module_id, -- id of the application module
    product_area.name as application_module_name, -- name of the application module
    product_area.parent_id
        as parent_application_module_id, -- module that contains it, null for the root
    product_area.creation_time as created_at, -- when it was created in Octane (UTC)
    product_area.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.product_area as product_area
