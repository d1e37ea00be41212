-- Which sprints does each release have?
-- source: octane.sprint, octane.release
-- grain: one sprint of a workspace
-- key: workspace_id, sprint_id
-- relation: release_id -> er.releases.release_id
select
    sprint._workspace_id as workspace_id, -- workspace that the row belongs to
    sprint.id as sprint_id, -- id of the sprint
    sprint.name as sprint_name, -- name; repeats from release to release
    sprint.release_id, -- release that it belongs to
    release.name as release_name, -- name of that release
    sprint.start_date as start_at, -- planned start (UTC)
    sprint.end_date as end_at, -- planned end (UTC)
    sprint.creation_time as created_at, -- when it was created in Octane (UTC)
    sprint.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.sprint as sprint
left join octane.release as release
    on release._workspace_id = sprint._workspace_id
    and release.id = sprint.release_id
