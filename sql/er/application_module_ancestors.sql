-- Which application modules contain each module, itself included?
-- source: octane.product_area
-- grain: one application module with one that is it or contains it, at any depth
-- key: workspace_id, application_module_id, ancestor_application_module_id
-- relation: application_module_id -> er.application_modules.application_module_id
-- relation: ancestor_application_module_id -> er.application_modules.application_module_id
with recursive ancestors as (
    select
        product_area._workspace_id as workspace_id,
        product_area.id as application_module_id,
        product_area.id as ancestor_id,
    from octane.product_area as product_area
    -- not union all: it ends even where modules contain one another in a circle
    union
    select
        ancestors.workspace_id,
        ancestors.application_module_id,
        product_area.parent_id as ancestor_id,
    from ancestors
    join octane.product_area as product_area
        on product_area._workspace_id = ancestors.workspace_id
        and product_area.id = ancestors.ancestor_id
    where product_area.parent_id is not null
)

select
    ancestors.workspace_id, -- workspace that the row belongs to
    ancestors.application_module_id, -- module that is contained
    ancestors.ancestor_id
        as ancestor_application_module_id, -- the module itself, or one that contains it
    product_area.name as ancestor_name, -- name of that one
    ancestors.ancestor_id = ancestors.application_module_id
        as is_itself -- whether that one is the module itself
from ancestors
left join octane.product_area as product_area
    on product_area._workspace_id = ancestors.workspace_id
    and product_area.id = ancestors.ancestor_id
