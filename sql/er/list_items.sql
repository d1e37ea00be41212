-- Which values do the lists of Octane offer?
-- source: octane.list_node
-- grain: one list value, or list, of a workspace
-- key: workspace_id, list_item_id
-- relation: list_id -> er.list_items.list_item_id
select
    list_node._workspace_id as workspace_id, -- workspace that the row belongs to
    list_node.id as list_item_id, -- id of the list value
    coalesce(list_node.logical_name, list_node.id)
        as list_item_code, -- logical name; the id where the value has none
    list_node.name as list_item_label, -- text that Octane shows
    list_node.list_root_id as list_id -- list that the value belongs to; null for a list itself
from octane.list_node as list_node
