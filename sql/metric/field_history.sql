-- Who changed which field of an entity, when, and from what to what?
-- source: er.field_changes
-- grain: one changed field of one save; several values of a field are several rows
-- key: workspace_id, field_change_id
-- param: entity text = 'defect' -- entity type, such as defect, story or test_manual
-- param: id text = null -- id of the entity; null means all of the entity type
-- param: field_name text = null -- name of the field, * is any text; null means any
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- only changes until this moment (UTC); null means the extract's
-- values: entity = meta.fields.entity
-- values: field_name = meta.fields.field, label
-- note: definition: of our own: each change as Octane's change history has it, with names in place
--     of ids
-- order: workspace_id, entity_id, changed_at, save_number, field_label, field_change_id
select
    changes.workspace_id, -- workspace that the row belongs to
    changes.field_change_id, -- the same whenever the same change is read
    changes.entity_type, -- entity type that was changed
    changes.entity_id, -- entity that was changed; it may be gone by now
    changes.changed_at, -- when it was saved (UTC)
    changes.save_number, -- order of the saves of one entity within a second, from 0
    changes.changed_by_name, -- full name of the user who saved it
    changes.action_code, -- create, update or delete
    changes.field_name, -- field that was changed; null for a deletion
    changes.field_label, -- field as Octane shows it
    changes.old_value_label, -- value before, as Octane shows it
    changes.new_value_label, -- value after, as Octane shows it
    changes.old_value, -- value before, of a reference the id
    changes.new_value -- value after, of a reference the id
from er.field_changes as changes
where changes.entity_type = $entity
    and ($id is null or changes.entity_id = $id)
    and ($field_name is null or er.name_matches(changes.field_name, $field_name))
    and ($workspace_id is null or changes.workspace_id = $workspace_id)
    and changes.changed_at <= er.as_of($as_of)
