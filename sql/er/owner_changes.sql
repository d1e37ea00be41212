-- When did each entity get another owner?
-- source: er.field_changes
-- grain: one change of the owner of an entity
-- key: workspace_id, field_change_id
select
    changes.workspace_id, -- workspace that the row belongs to
    changes.field_change_id, -- change of the field owner
    changes.entity_type, -- entity type
    changes.entity_id, -- entity; it may be gone by now
    row_number() over (
        partition by changes.workspace_id, changes.entity_type, changes.entity_id
        order by changes.changed_at, changes.save_number, changes.field_change_id
    ) as change_number, -- 1 is the first change that is known
    changes.changed_at, -- when the owner changed (UTC)
    changes.old_value as from_user_id, -- owner before; null: none
    changes.old_value_label as from_name, -- full name of that user
    changes.new_value as to_user_id, -- owner after; null: none
    changes.new_value_label as to_name, -- full name of that user
    changes.changed_by_user_id, -- user who changed it
    changes.changed_by_name -- full name of that user
from er.field_changes as changes
where changes.field_name = 'owner'
