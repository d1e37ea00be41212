-- Which releases does each team work on?
-- source: octane.team__releases
-- grain: one release of one team
-- key: workspace_id, team_id, release_id
-- relation: team_id -> er.teams.team_id
-- relation: release_id -> er.releases.release_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as team_id, -- team that works on the release
    link.target_id as release_id -- release that it works on
from octane.team__releases as link
