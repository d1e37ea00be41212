-- Which builds does each pipeline run consist of?
-- source: octane.ci_build__pipeline_run
-- grain: one build of one pipeline run
-- key: workspace_id, pipeline_run_id, build_id
-- relation: pipeline_run_id -> er.pipeline_runs.pipeline_run_id
-- relation: build_id -> er.builds.build_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.target_id as pipeline_run_id, -- pipeline run that the build is part of
    link.source_id as build_id -- build that is part of it
from octane.ci_build__pipeline_run as link
