-- Which requirement documents and folders are there, and how are they nested?
-- source: octane.requirement_document, octane.requirement_folder, octane.requirement_root
-- source: octane.workspace_user
-- grain: one requirement document or folder of a workspace
-- key: workspace_id, requirement_id
-- relation: parent_requirement_id -> er.requirements.requirement_id
-- relation: owner_user_id -> er.users.user_id
-- relation: phase_id -> er.phases.phase_id
with all_requirements as (
    select
        document._workspace_id, document.id, document.type, document.name, document.parent_id,
        document.phase_id, document.owner_id, document.creation_time, document.last_modified
    from octane.requirement_document as document
    union all by name
    select
        folder._workspace_id, folder.id, folder.type, folder.name, folder.parent_id,
        folder.owner_id, folder.creation_time, folder.last_modified
    from octane.requirement_folder as folder
    union all by name
    select
        root._workspace_id, root.id, root.type, root.name, root.owner_id, root.creation_time,
        root.last_modified
    from octane.requirement_root as root
)

select
    requirement._workspace_id as workspace_id, -- workspace that the row belongs to
    requirement.id as requirement_id, -- id, unique over all kinds
    requirement.type
        as requirement_type, -- requirement_document, requirement_folder or requirement_root
    requirement.name as requirement_name, -- name of the requirement
    requirement.parent_id as parent_requirement_id, -- requirement above it
    requirement.phase_id, -- phase that it is in
    coalesce(phases.phase_code, requirement.phase_id) as phase_code, -- logical name of its phase
    phases.phase_label, -- phase that Octane shows
    requirement.owner_id as owner_user_id, -- user who owns it
    owner.full_name as owner_name, -- full name of its owner
    requirement.creation_time as created_at, -- when it was created in Octane (UTC)
    requirement.last_modified as modified_at -- when it last changed in Octane (UTC)
from all_requirements as requirement
left join er.phases as phases
    on phases.workspace_id = requirement._workspace_id
    and phases.phase_id = requirement.phase_id
left join octane.workspace_user as owner
    on owner._workspace_id = requirement._workspace_id
    and owner.id = requirement.owner_id
