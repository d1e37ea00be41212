-- Which values do the user-defined fields hold?
-- flow: 24 User-defined fields
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Create_UDF.htm
-- grain: one value of one user-defined field of one item; a field of many values has many rows
-- key: workspace_id, entity_type, entity_id, field_name, value_type, value
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: entity_type text = null -- type of the items, such as defect; null means all
-- param: field_name text = '*' -- name of the field, * for any characters
-- param: entity_id text = null -- id of one item; null means all
-- values: field_name = meta.fields.field, label
-- order: entity_type, field_name, workspace_id, entity_id, value_type, value
select
    udf_values.workspace_id, -- workspace that the row belongs to
    udf_values.entity_type, -- entity type of the item
    udf_values.entity_id, -- id of the item
    udf_values.entity_name, -- name of the item
    udf_values.field_name, -- name of the field, which ends in _udf
    udf_values.field_label, -- name that Octane shows for the field
    udf_values.field_type, -- type of the field in Octane's metadata, such as string
    udf_values.is_multiple, -- whether the field can hold several values
    udf_values.value_type, -- type of the item referred to; the field's type for plain values
    udf_values.value, -- the value as text; the id for a reference
    coalesce(
        list_items.list_item_label,
        users.full_name,
        releases.release_name,
        teams.team_name,
        udf_values.value
    ) as value_label, -- what Octane shows for the value
    er.item_url(udf_values.id_space, udf_values.workspace_id, udf_values.entity_id)
        as item_url -- where Octane shows the item
from meta.user_defined_values as udf_values
left join er.list_items as list_items
    on udf_values.value_type = 'list_node'
    and list_items.workspace_id = udf_values.workspace_id
    and list_items.list_item_id = udf_values.value
left join er.users as users
    on udf_values.value_type = 'workspace_user'
    and users.workspace_id = udf_values.workspace_id
    and users.user_id = udf_values.value
left join er.releases as releases
    on udf_values.value_type = 'release'
    and releases.workspace_id = udf_values.workspace_id
    and releases.release_id = udf_values.value
left join er.teams as teams
    on udf_values.value_type = 'team'
    and teams.workspace_id = udf_values.workspace_id
    and teams.team_id = udf_values.value
where ($workspace_id is null or udf_values.workspace_id = $workspace_id)
    and ($entity_type is null or udf_values.entity_type = $entity_type)
    and er.name_matches(udf_values.field_name, $field_name)
    and ($entity_id is null or udf_values.entity_id = $entity_id)
