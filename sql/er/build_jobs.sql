-- Which job did each build run?
-- source: octane.ci_build
-- grain: one build whose job the server tells
-- key: workspace_id, build_id
-- relation: build_id -> er.builds.build_id
-- relation: ci_job_id -> er.ci_jobs.ci_job_id
select
    build._workspace_id as workspace_id, -- workspace that the row belongs to
    build.id as build_id, -- build
    build.ci_job_id, -- job that it ran
    build.build_ci_id -- number of the build on its CI server
from octane.ci_build as build
where build.ci_job_id is not null
