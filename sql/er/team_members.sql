-- Who is in each team?
-- source: octane.team_member
-- grain: one member of a team
-- key: workspace_id, team_member_id
-- relation: team_id -> er.teams.team_id
-- relation: user_id -> er.users.user_id
select
    team_member._workspace_id as workspace_id, -- workspace that the row belongs to
    team_member.id as team_member_id, -- id of the membership
    team_member.team_id, -- team that the user is in
    team_member.workspace_user_id as user_id, -- user who is in the team
    team_member.capacity as capacity_count -- capacity that is planned for the user
from octane.team_member as team_member
