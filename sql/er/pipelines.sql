-- Which pipelines are there, and for which release do they run?
-- source: octane.pipeline
-- grain: one pipeline of a workspace
-- key: workspace_id, pipeline_id
-- relation: ci_server_id -> er.ci_servers.ci_server_id
-- relation: release_id -> er.releases.release_id
-- relation: milestone_id -> er.milestones.milestone_id
-- relation: program_id -> er.programs.program_id
select
    pipeline._workspace_id as workspace_id, -- workspace that the row belongs to
    pipeline.id as pipeline_id, -- id of the pipeline
    pipeline.name as pipeline_name, -- name of the pipeline
    pipeline.ci_server_id, -- CI server that runs it
    pipeline.current_release_id as release_id, -- release that its results count for
    pipeline.current_milestone_id as milestone_id, -- milestone that its results count for
    pipeline.program_id, -- program that its results count for
    pipeline.root_job_ci_id as root_job_name, -- first job, as the CI server names it
    pipeline.creation_time as created_at, -- when it was created in Octane (UTC)
    pipeline.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.pipeline as pipeline
