-- Which milestones are there, and of which release?
-- source: octane.milestone
-- grain: one milestone of a workspace
-- key: workspace_id, milestone_id
-- relation: release_id -> er.releases.release_id
select
    milestone._workspace_id as workspace_id, -- workspace that the row belongs to
    milestone.id as milestone_id, -- id of the milestone
    milestone.name as milestone_name, -- name of the milestone
    milestone.release_id, -- release that it belongs to
    milestone.date as milestone_at, -- planned moment (UTC)
    milestone.creation_time as created_at, -- when it was created in Octane (UTC)
    milestone.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.milestone as milestone
