-- Which opened defects of a sprint am I to test?
-- flow: 2 Get opened defects that I must test for a sprint
-- source: https://admhelp.microfocus.com/octane/en/16.1.100-16.1.200/Online/Content/API/Flows_Intro.htm
-- grain: one defect in the phase Opened whose QA owner is the user
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: user_id text = null -- id of the user whose work it is; null means who signed in to extract
-- param: sprint_id text = null -- id of the sprint; null means any, or none
-- param: sprint_name text = null -- name of the sprint, * for any characters; null: any, or none
-- param: release_name text = null -- name of the sprint's release, * for any characters; null: any
-- param: phase_codes text = 'phase.defect.opened' -- logical names of the phases, comma between them
-- order: created_at, workspace_id, defect_id
select
    defects.workspace_id, -- workspace that the row belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    defects.phase_code, -- logical name of its phase
    defects.phase_label, -- phase that Octane shows
    defects.release_id, -- release that it is planned for or counts for
    defects.release_name, -- name of that release
    defects.sprint_id, -- sprint that it is planned for
    sprints.sprint_name, -- name of that sprint
    sprints.release_name as sprint_release_name, -- release that the sprint belongs to
    defects.owner_user_id, -- user who owns it
    defects.owner_name, -- full name of its owner
    defects.qa_owner_user_id, -- user who tests that it is fixed
    qa_owners.full_name as qa_owner_name, -- full name of its QA owner
    defects.created_at, -- when it was created in Octane (UTC)
    defects.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('work_item', defects.workspace_id, defects.defect_id)
        as defect_url -- where Octane shows the defect
from er.defects as defects
left join er.signed_in_users as me
    on me.workspace_id = defects.workspace_id
-- names of sprints repeat from release to release: the sprint's own release narrows them down,
-- and the defect's may be another one or none
left join er.sprints as sprints
    on sprints.workspace_id = defects.workspace_id
    and sprints.sprint_id = defects.sprint_id
left join er.users as qa_owners
    on qa_owners.workspace_id = defects.workspace_id
    and qa_owners.user_id = defects.qa_owner_user_id
where ($workspace_id is null or defects.workspace_id = $workspace_id)
    and defects.qa_owner_user_id = coalesce($user_id, me.user_id)
    and er.is_listed(defects.phase_code, $phase_codes)
    and ($sprint_id is null or defects.sprint_id = $sprint_id)
    and ($sprint_name is null or er.name_matches(sprints.sprint_name, $sprint_name))
    and ($release_name is null or er.name_matches(sprints.release_name, $release_name))
