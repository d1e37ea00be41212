-- How often did each pipeline run, and how did it end?
-- source: octane.pipeline_run
-- grain: one run of a pipeline
-- key: workspace_id, pipeline_run_id
-- relation: pipeline_id -> er.pipelines.pipeline_id
-- relation: release_id -> er.releases.release_id
-- relation: status_id -> er.list_items.list_item_id
-- relation: milestone_id -> er.milestones.milestone_id
-- relation: program_id -> er.programs.program_id
select
    pipeline_run._workspace_id as workspace_id, -- workspace that the row belongs to
    pipeline_run.id as pipeline_run_id, -- id of the pipeline run
    pipeline_run.name as pipeline_run_name, -- number that the CI server gave its root build
    pipeline_run.pipeline_id, -- pipeline that ran
    pipeline_run.release_id, -- release that its results count for
    pipeline_run.milestone_id, -- milestone that its results count for
    pipeline_run.program_id, -- program that its results count for
    pipeline_run.status_id, -- list value of its status
    coalesce(statuses.list_item_code, pipeline_run.status_id)
        as status_code, -- logical name of its status
    epoch_ms(pipeline_run.start_time) as started_at, -- when it started (UTC)
    pipeline_run.duration as duration_ms, -- length of the run
    pipeline_run.creation_time as created_at, -- when it was created in Octane (UTC)
    pipeline_run.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.pipeline_run as pipeline_run
left join er.list_items as statuses
    on statuses.workspace_id = pipeline_run._workspace_id
    and statuses.list_item_id = pipeline_run.status_id
