-- When was each work item put into a sprint, moved to another one or taken out?
-- source: er.field_changes
-- grain: one change of the sprint of a work item
-- key: workspace_id, field_change_id
-- relation: work_item_id -> er.work_items.work_item_id (may be gone)
select
    changes.workspace_id, -- workspace that the row belongs to
    changes.field_change_id, -- change of the field sprint
    changes.entity_type as work_item_type, -- kind of the work item
    changes.entity_id as work_item_id, -- work item; it may be gone by now
    row_number() over (
        partition by changes.workspace_id, changes.entity_id
        order by changes.changed_at, changes.save_number, changes.field_change_id
    ) as move_number, -- 1 is the first move that is known
    changes.changed_at as moved_at, -- when it was moved (UTC)
    changes.old_value as from_sprint_id, -- sprint before; null: none
    changes.old_value_label as from_sprint_name, -- name of that sprint
    changes.new_value as to_sprint_id, -- sprint after; null: none
    changes.new_value_label as to_sprint_name, -- name of that sprint
    changes.changed_by_user_id, -- user who moved it
    changes.changed_by_name -- full name of that user
from er.field_changes as changes
where changes.field_name = 'sprint'
    and changes.entity_type in ('story', 'defect', 'quality_story', 'feature')
