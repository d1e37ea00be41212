-- From which phase can items move to which?
-- source: octane.transition
-- grain: one transition between two phases of an entity type
-- key: workspace_id, transition_id
-- relation: source_phase_id -> er.phases.phase_id
-- relation: target_phase_id -> er.phases.phase_id
select
    transition._workspace_id as workspace_id, -- workspace that the row belongs to
    transition.id as transition_id, -- id of the transition
    transition.entity as entity_type, -- entity type that it is for
    transition.source_phase_id, -- phase that an item leaves
    transition.target_phase_id, -- phase that it enters
    transition.is_primary -- whether the server marks it as primary
from octane.transition as transition
