-- Which requests would define a user-defined field, and fill it in?
-- flow: 24 User-defined fields
-- grain: the definition, or one item to be filled; an item that has the value already is left out
-- key: workspace_id, step
-- writes: field_metadata, $entity_type
-- needs: field_name, field_label or entity_ids
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: entity_type text = 'defect' -- type of the items, such as defect
-- param: field_name text = 'new_udf' -- name of the field; lower case, ends in _udf
-- param: field_label text = null -- name that Octane shows; null: it is there already
-- param: field_type text = 'string' -- boolean, date_time, list, long, long_string, memo, 
--     ref_to_release, ref_to_team, ref_to_user or string
-- param: list_id text = null -- id of the list, for a field of the type list
-- param: entity_ids text = '' -- ids of the items to fill, comma between them
-- param: value text = null -- the value to fill in; the id for a reference; null empties the field
-- order: workspace_id, step
with workspaces as (
    select distinct phases.workspace_id
    from er.phases as phases
    where $workspace_id is null or phases.workspace_id = $workspace_id
),

wanted_items as (
    select trim(ids.id) as entity_id
    from unnest(string_split($entity_ids, ',')) as ids (id)
    where trim(ids.id) <> ''
),

-- what the field holds now, as the REST API gives it
present_values as (
    select
        udf_values.workspace_id,
        udf_values.entity_id,
        any_value(udf_values.entity_name) as entity_name,
        bool_or(udf_values.is_multiple) as is_multiple,
        any_value(udf_values.value_type) as value_type,
        string_agg(udf_values.value, ', ' order by udf_values.value) as value,
        case
            when bool_or(udf_values.is_multiple) then json_object(
                'data', to_json(
                    list(
                        er.reference(udf_values.value_type, udf_values.value)
                        order by udf_values.value
                    )
                )
            )
            else any_value(
                case
                    when udf_values.field_type = 'reference'
                    then er.reference(udf_values.value_type, udf_values.value)
                    when udf_values.field_type in ('boolean', 'integer', 'float')
                    then cast(udf_values.value as json)
                    when udf_values.field_type = 'date_time'
                    then to_json(replace(udf_values.value, ' ', 'T') || 'Z')
                    else to_json(udf_values.value)
                end
            )
        end as rest_value,
    from meta.user_defined_values as udf_values
    where udf_values.entity_type = $entity_type
        and udf_values.field_name = $field_name
    group by udf_values.workspace_id, udf_values.entity_id
),

requests as (
    select
        workspaces.workspace_id,
        0 as position_number,
        'create' as operation,
        'field_metadata' as entity_type,
        cast(null as varchar) as entity_id,
        $field_name as entity_name,
        json_object(
            'none', [
                json_object(
                    'entity_type', 'field_metadata',
                    'query', 'name EQ ' || er.query_text($field_name) || ';entity_type EQ '
                        || er.query_text($entity_type)
                )
            ]
        ) as expected,
        er.without_nulls(
            json_object(
                'type', 'field_metadata',
                'subtype', 'field_metadata_' || $field_type,
                'entity_type', $entity_type,
                'name', $field_name,
                'label', $field_label,
                'list', er.reference('list_node', $list_id)
            )
        ) as body,
        'the field is to be there' as reason,
    from workspaces
    where $field_label is not null
    union all by name
    select
        workspaces.workspace_id,
        row_number() over (
            partition by workspaces.workspace_id
            order by wanted_items.entity_id
        ) as position_number,
        'update' as operation,
        $entity_type as entity_type,
        wanted_items.entity_id,
        present_values.entity_name,
        json_object(
            'fields', json_object($field_name, present_values.rest_value),
            'some', [
                json_object(
                    'entity_type', $entity_type, 'query', 'id EQ ' || wanted_items.entity_id
                )
            ]
        ) as expected,
        json_object(
            $field_name,
            case
                when present_values.is_multiple then json_object(
                    'data', case
                        when $value is null then json_array()
                        else json_array(er.reference(present_values.value_type, $value))
                    end
                )
                when $value is null then null
                when $field_type in ('boolean', 'long') then cast($value as json)
                when $field_type = 'list' then er.reference('list_node', $value)
                when $field_type = 'ref_to_user' then er.reference('workspace_user', $value)
                when $field_type = 'ref_to_release' then er.reference('release', $value)
                when $field_type = 'ref_to_team' then er.reference('team', $value)
                else to_json($value)
            end
        ) as body,
        coalesce('it is ' || present_values.value, 'it is empty')
            || coalesce(' and is to be ' || $value, ' and is to be emptied') as reason,
    from workspaces
    cross join wanted_items
    left join present_values
        on present_values.workspace_id = workspaces.workspace_id
        and present_values.entity_id = wanted_items.entity_id
    where present_values.value is null
        or present_values.value is distinct from $value
)

select
    requests.workspace_id, -- workspace that the row belongs to
    row_number() over (
        partition by requests.workspace_id
        order by requests.position_number
    ) as step, -- place in the order of the requests of a workspace
    requests.operation, -- create or update
    requests.entity_type, -- entity type that is written
    requests.entity_id, -- id of the item; null: the server gives one
    requests.entity_name, -- name of that item
    requests.expected, -- what must hold before: fields, none and some that match a query
    requests.body, -- what is sent, as JSON
    requests.reason -- why it is sent
from requests
