-- Which steps does each pipeline consist of, and which job does each of them run?
-- source: octane.pipeline_node, er.pipelines, er.ci_jobs
-- grain: one step of a pipeline; Octane calls it a pipeline node
-- key: workspace_id, pipeline_step_id
-- relation: pipeline_id -> er.pipelines.pipeline_id
-- relation: ci_job_id -> er.ci_jobs.ci_job_id
select
    pipeline_node._workspace_id as workspace_id, -- workspace that the row belongs to
    pipeline_node.id as pipeline_step_id, -- id of the step
    pipeline_node.name as pipeline_step_name, -- name of the step
    pipeline_node.pipeline_id, -- pipeline that it is part of
    pipelines.pipeline_name, -- name of that pipeline
    pipeline_node.ci_job_id, -- job that it runs
    jobs.ci_job_name, -- name of that job
    coalesce(jobs.ci_job_ci_id = pipelines.root_job_name, false)
        as is_root -- whether it is the job that the pipeline begins with
from octane.pipeline_node as pipeline_node
left join er.pipelines as pipelines
    on pipelines.workspace_id = pipeline_node._workspace_id
    and pipelines.pipeline_id = pipeline_node.pipeline_id
left join er.ci_jobs as jobs
    on jobs.workspace_id = pipeline_node._workspace_id
    and jobs.ci_job_id = pipeline_node.ci_job_id
