-- When was each work item moved from one phase to another, and by whom?
-- source: er.field_changes
-- grain: one change of the phase of a work item; its creation is one, too
-- key: workspace_id, field_change_id
-- relation: work_item_id -> er.work_items.work_item_id (may be gone)
-- relation: from_phase_id -> er.phases.phase_id (may be gone)
-- relation: to_phase_id -> er.phases.phase_id (may be gone)
select
    changes.workspace_id, -- workspace that the row belongs to
    changes.field_change_id, -- change of the field phase
    changes.entity_type as work_item_type, -- kind of the work item
    changes.entity_id as work_item_id, -- work item; it may be gone by now
    row_number() over (
        partition by changes.workspace_id, changes.entity_id
        order by changes.changed_at, changes.save_number, changes.field_change_id
    ) as change_number, -- 1 is the first change that is known
    changes.changed_at, -- when the phase changed (UTC)
    changes.old_value as from_phase_id, -- phase before; null: it was created
    changes.old_value_label as from_phase_label, -- phase before, as Octane shows it
    changes.new_value as to_phase_id, -- phase after
    changes.new_value_label as to_phase_label, -- phase after, as Octane shows it
    changes.changed_by_user_id, -- user who changed it
    changes.changed_by_name -- full name of that user
from er.field_changes as changes
where changes.field_name = 'phase'
    and changes.entity_type in ('story', 'defect', 'quality_story', 'feature', 'epic')
