-- Which environment tags can runs carry, and of which category?
-- source: octane.taxonomy_item_node, octane.taxonomy_category_node
-- grain: one environment tag of a workspace
-- key: workspace_id, environment_id
select
    item._workspace_id as workspace_id, -- workspace that the row belongs to
    item.id as environment_id, -- id of the environment tag
    item.name as environment_name, -- value, such as the name of a browser
    item.category_id as environment_category_id, -- id of the category
    category.name as environment_category_name -- category, such as Browser
from octane.taxonomy_item_node as item
left join octane.taxonomy_category_node as category
    on category._workspace_id = item._workspace_id
    and category.id = item.category_id
