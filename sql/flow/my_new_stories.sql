-- Which new user stories are mine, by release?
-- flow: 1 Get my new user stories for a release
-- source: https://admhelp.microfocus.com/valueedge/en/latest/Online/Content/API/Scenario_MyWorkStoriesNewRelease.htm
-- grain: one user story in the phase New that the user owns
-- key: workspace_id, story_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: user_id text = null -- id of the user whose work it is; null means who signed in to extract
-- param: release_name text = null -- name of the release, * for any characters; null: any, or none
-- param: phase_codes text = 'phase.story.new' -- logical names of the phases, comma between them
-- order: created_at, workspace_id, story_id
select
    stories.workspace_id, -- workspace that the row belongs to
    stories.work_item_id as story_id, -- id of the user story
    stories.work_item_name as story_name, -- name of the user story
    stories.phase_code, -- logical name of its phase
    stories.phase_label, -- phase that Octane shows
    stories.release_id, -- release that it is planned for or counts for
    stories.release_name, -- name of that release
    stories.sprint_id, -- sprint that it is planned for
    stories.sprint_name, -- name of that sprint
    stories.owner_user_id, -- user who owns it
    stories.owner_name, -- full name of its owner
    stories.story_point_count, -- estimate in story points
    stories.created_at, -- when it was created in Octane (UTC)
    stories.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('work_item', stories.workspace_id, stories.work_item_id)
        as story_url -- where Octane shows the user story
from er.work_items as stories
left join er.signed_in_users as me
    on me.workspace_id = stories.workspace_id
where ($workspace_id is null or stories.workspace_id = $workspace_id)
    and stories.work_item_type = 'story'
    and stories.owner_user_id = coalesce($user_id, me.user_id)
    and er.is_listed(stories.phase_code, $phase_codes)
    and ($release_name is null or er.name_matches(stories.release_name, $release_name))
