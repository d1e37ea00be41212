-- Which work items are there, of all kinds?
-- source: octane.story, octane.defect, octane.quality_story, octane.feature, octane.epic
-- source: octane.work_item_root, octane.release, octane.sprint, octane.workspace_user
-- grain: one work item of a workspace
-- key: workspace_id, work_item_id
-- relation: parent_work_item_id -> er.work_items.work_item_id
-- relation: release_id -> er.releases.release_id
-- relation: sprint_id -> er.sprints.sprint_id
-- relation: milestone_id -> er.milestones.milestone_id
-- relation: team_id -> er.teams.team_id
-- relation: owner_user_id -> er.users.user_id
-- relation: author_user_id -> er.users.user_id
-- relation: phase_id -> er.phases.phase_id
-- relation: priority_id -> er.list_items.list_item_id
-- relation: program_id -> er.programs.program_id
with all_work_items as (
    select
        story._workspace_id, story.id, story.type, story.name, story.phase_id, story.parent_id,
        story.owner_id, story.author_id, story.milestone_id, story.story_points,
        story.creation_time, story.last_modified, story.release_id, story.team_id,
        story.priority_id, story.closed_on, story.sprint_id, story.program_id
    from octane.story as story
    union all by name
    select
        defect._workspace_id, defect.id, defect.type, defect.name, defect.phase_id,
        defect.parent_id, defect.owner_id, defect.author_id, defect.milestone_id,
        defect.story_points, defect.creation_time, defect.last_modified, defect.release_id,
        defect.team_id, defect.priority_id, defect.closed_on, defect.sprint_id, defect.program_id
    from octane.defect as defect
    union all by name
    select
        quality_story._workspace_id, quality_story.id, quality_story.type, quality_story.name,
        quality_story.phase_id, quality_story.parent_id, quality_story.owner_id,
        quality_story.author_id, quality_story.milestone_id, quality_story.story_points,
        quality_story.creation_time, quality_story.last_modified, quality_story.release_id,
        quality_story.team_id, quality_story.priority_id, quality_story.closed_on,
        quality_story.sprint_id, quality_story.program_id
    from octane.quality_story as quality_story
    union all by name
    select
        feature._workspace_id, feature.id, feature.type, feature.name, feature.phase_id,
        feature.parent_id, feature.owner_id, feature.author_id, feature.milestone_id,
        feature.story_points, feature.creation_time, feature.last_modified, feature.release_id,
        feature.team_id, feature.priority_id, feature.closed_on, feature.sprint_id,
        feature.program_id
    from octane.feature as feature
    union all by name
    select
        epic._workspace_id, epic.id, epic.type, epic.name, epic.phase_id, epic.parent_id,
        epic.owner_id, epic.author_id, epic.milestone_id, epic.story_points, epic.creation_time,
        epic.last_modified
    from octane.epic as epic
    union all by name
    select
        work_item_root._workspace_id, work_item_root.id, work_item_root.type, work_item_root.name,
        work_item_root.owner_id, work_item_root.author_id, work_item_root.story_points,
        work_item_root.creation_time, work_item_root.last_modified
    from octane.work_item_root as work_item_root
)

select
    item._workspace_id as workspace_id, -- workspace that the row belongs to
    item.id as work_item_id, -- id, unique over all kinds
    item.type as work_item_type, -- story, defect, quality_story, feature, epic or work_item_root
    item.name as work_item_name, -- name of the work item
    item.phase_id, -- phase that it is in
    coalesce(phases.phase_code, item.phase_id) as phase_code, -- logical name of its phase
    phases.phase_label, -- phase that Octane shows
    item.priority_id, -- list value of its priority
    coalesce(priorities.list_item_code, item.priority_id)
        as priority_code, -- logical name of its priority
    item.parent_id as parent_work_item_id, -- work item above it
    item.release_id, -- release that it is planned for
    release.name as release_name, -- name of that release
    item.sprint_id, -- sprint that it is planned for
    sprint.name as sprint_name, -- name of that sprint
    item.milestone_id, -- milestone that it is planned for
    item.program_id, -- program that it is planned for
    item.team_id, -- team that works on it
    item.owner_id as owner_user_id, -- user who owns it
    owner.full_name as owner_name, -- full name of its owner
    item.author_id as author_user_id, -- user who created it
    item.story_points as story_point_count, -- estimate in story points
    item.creation_time as created_at, -- when it was created in Octane (UTC)
    item.last_modified as modified_at, -- when it last changed in Octane (UTC)
    item.closed_on as closed_at -- when it was closed (UTC)
from all_work_items as item
left join er.phases as phases
    on phases.workspace_id = item._workspace_id
    and phases.phase_id = item.phase_id
left join er.list_items as priorities
    on priorities.workspace_id = item._workspace_id
    and priorities.list_item_id = item.priority_id
left join octane.release as release
    on release._workspace_id = item._workspace_id
    and release.id = item.release_id
left join octane.sprint as sprint
    on sprint._workspace_id = item._workspace_id
    and sprint.id = item.sprint_id
left join octane.workspace_user as owner
    on owner._workspace_id = item._workspace_id
    and owner.id = item.owner_id
