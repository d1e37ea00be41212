-- Which teams are there, and who leads them?
-- source: octane.team
-- grain: one team of a workspace
-- key: workspace_id, team_id
-- relation: team_lead_user_id -> er.users.user_id
select
    team._workspace_id as workspace_id, -- workspace that the row belongs to
    team.id as team_id, -- id of the team
    team.name as team_name, -- name of the team
    team.team_lead_id as team_lead_user_id, -- user who leads it
    team.number_of_members as member_count, -- members that Octane counts
    team.creation_time as created_at, -- when it was created in Octane (UTC)
    team.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.team as team
