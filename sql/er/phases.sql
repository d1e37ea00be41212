-- Which phases can entities be in?
-- source: octane.phase, octane.metaphase
-- grain: one phase of a workspace
-- key: workspace_id, phase_id
-- relation: metaphase_id -> er.metaphases.metaphase_id
select
    phase._workspace_id as workspace_id, -- workspace that the row belongs to
    phase.id as phase_id, -- id of the phase
    coalesce(phase.logical_name, phase.id)
        as phase_code, -- logical name; the id where the phase has none
    phase.name as phase_label, -- name that Octane shows
    phase.entity as entity_type, -- entity type that it is for
    phase.metaphase_id, -- metaphase that it belongs to
    coalesce(metaphase.logical_name, phase.metaphase_id)
        as metaphase_code, -- logical name of the metaphase
    phase.is_start_phase -- whether new entities begin in it
from octane.phase as phase
left join octane.metaphase as metaphase
    on metaphase._workspace_id = phase._workspace_id
    and metaphase.id = phase.metaphase_id
