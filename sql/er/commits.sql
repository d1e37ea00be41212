-- Which commits did Octane hear of?
-- source: octane.scm_commit
-- grain: one commit of a workspace
-- key: workspace_id, commit_id
select
    scm_commit._workspace_id as workspace_id, -- workspace that the row belongs to
    scm_commit.id as commit_id, -- id of the commit in Octane
    scm_commit.name as commit_name, -- name of the commit
    scm_commit.creation_time as created_at, -- when it was created in Octane (UTC)
    scm_commit.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.scm_commit as scm_commit
