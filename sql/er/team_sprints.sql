-- What does each team plan for each sprint?
-- source: octane.team_sprint
-- grain: one sprint of one team
-- key: workspace_id, team_sprint_id
-- relation: team_id -> er.teams.team_id
-- relation: sprint_id -> er.sprints.sprint_id
-- relation: release_id -> er.releases.release_id
select
    team_sprint._workspace_id as workspace_id, -- workspace that the row belongs to
    team_sprint.id as team_sprint_id, -- id of the plan
    team_sprint.team_id, -- team that plans
    team_sprint.sprint_id, -- sprint that it plans
    team_sprint.release_id, -- release that the sprint belongs to
    team_sprint.expected_velocity
        as expected_story_point_count, -- story points that the team expects to finish
    team_sprint.actual_velocity as actual_story_point_count -- story points that it finished
from octane.team_sprint as team_sprint
