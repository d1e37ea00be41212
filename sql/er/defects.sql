-- Which defects are there, and how severe are they?
-- source: octane.defect, octane.release, octane.workspace_user
-- grain: one defect of a workspace
-- key: workspace_id, defect_id
-- relation: defect_id -> er.work_items.work_item_id
-- relation: parent_work_item_id -> er.work_items.work_item_id
-- relation: release_id -> er.releases.release_id
-- relation: detected_in_release_id -> er.releases.release_id
-- relation: sprint_id -> er.sprints.sprint_id
-- relation: team_id -> er.teams.team_id
-- relation: owner_user_id -> er.users.user_id
-- relation: qa_owner_user_id -> er.users.user_id
-- relation: detected_by_user_id -> er.users.user_id
-- relation: phase_id -> er.phases.phase_id
-- relation: severity_id -> er.list_items.list_item_id
-- relation: priority_id -> er.list_items.list_item_id
select
    defect._workspace_id as workspace_id, -- workspace that the row belongs to
    defect.id as defect_id, -- id of the defect
    defect.name as defect_name, -- name of the defect
    defect.phase_id, -- phase that it is in
    coalesce(phases.phase_code, defect.phase_id) as phase_code, -- logical name of its phase
    phases.phase_label, -- phase that Octane shows
    defect.severity_id, -- list value of its severity
    coalesce(severities.list_item_code, defect.severity_id)
        as severity_code, -- logical name of its severity
    severities.list_item_label as severity_label, -- severity that Octane shows
    defect.priority_id, -- list value of its priority
    coalesce(priorities.list_item_code, defect.priority_id)
        as priority_code, -- logical name of its priority
    priorities.list_item_label as priority_label, -- priority that Octane shows
    defect.parent_id as parent_work_item_id, -- work item above it
    defect.release_id, -- release that it is planned for
    release.name as release_name, -- name of that release
    defect.detected_in_release_id, -- release that it was found in
    detected_in_release.name as detected_in_release_name, -- name of that release
    defect.sprint_id, -- sprint that it is planned for
    defect.team_id, -- team that works on it
    defect.owner_id as owner_user_id, -- user who owns it
    owner.full_name as owner_name, -- full name of its owner
    defect.qa_owner_id as qa_owner_user_id, -- user who tests the fix
    defect.detected_by_id as detected_by_user_id, -- user who found it
    defect.creation_time as created_at, -- when it was created in Octane (UTC)
    defect.last_modified as modified_at, -- when it last changed in Octane (UTC)
    defect.fixed_on as fixed_at, -- when it was fixed (UTC)
    defect.closed_on as closed_at, -- when it was closed (UTC)
    coalesce(defect.reopens, 0) as reopen_count -- times that it was opened again
from octane.defect as defect
left join er.phases as phases
    on phases.workspace_id = defect._workspace_id
    and phases.phase_id = defect.phase_id
left join er.list_items as severities
    on severities.workspace_id = defect._workspace_id
    and severities.list_item_id = defect.severity_id
left join er.list_items as priorities
    on priorities.workspace_id = defect._workspace_id
    and priorities.list_item_id = defect.priority_id
left join octane.release as release
    on release._workspace_id = defect._workspace_id
    and release.id = defect.release_id
left join octane.release as detected_in_release
    on detected_in_release._workspace_id = defect._workspace_id
    and detected_in_release.id = defect.detected_in_release_id
left join octane.workspace_user as owner
    on owner._workspace_id = defect._workspace_id
    and owner.id = defect.owner_id
