-- Which commits went into each build?
-- source: octane.ci_build__commits
-- grain: one commit of one build
-- key: workspace_id, build_id, commit_id
-- relation: build_id -> er.builds.build_id
-- relation: commit_id -> er.commits.commit_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as build_id, -- build that contains the commit
    link.target_id as commit_id -- commit that went into it
from octane.ci_build__commits as link
