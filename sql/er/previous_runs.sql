-- Which results were replaced by a later result of the same run?
-- source: octane.run_history
-- grain: one replaced result of a run
-- key: workspace_id, previous_run_id
-- relation: release_id -> er.releases.release_id
-- relation: run_id -> er.runs.run_id (may be gone)
-- relation: test_id -> er.tests.test_id (may be gone)
-- relation: build_id -> er.builds.build_id (may be gone)
-- relation: native_status_id -> er.list_items.list_item_id
-- relation: status_id -> er.list_items.list_item_id
-- relation: milestone_id -> er.milestones.milestone_id
select
    history._workspace_id as workspace_id, -- workspace that the row belongs to
    history.id as previous_run_id, -- id of the row of history
    cast(history.run_id as varchar)
        as run_id, -- run whose earlier result this is; the run may be gone
    cast(history.test_id as varchar) as test_id, -- test that was run; the test may be gone
    history.test_name, -- name of the test at that time
    history.test_component as component_name, -- component of the test
    history.test_package as package_name, -- package of the test
    history.test_class as class_name, -- class of the test
    history.run_native_status_id as native_status_id, -- list value of the status as it was reported
    coalesce(native_statuses.list_item_code, history.run_native_status_id)
        as native_status_code, -- logical name of the status as it was reported
    history.run_status_id as status_id, -- list value of the summary status
    coalesce(statuses.list_item_code, history.run_status_id)
        as status_code, -- logical name of the summary status
    cast(history.build_id as varchar) as build_id, -- build that reported it; the build may be gone
    history.build_name, -- name or number of the build
    history.job_name, -- CI job that ran it
    coalesce(history.pipeline_id_id, history.pipeline_id)
        as pipeline_id, -- pipeline that reported it; it may be gone
    history.pipeline_name, -- name of the pipeline at that time
    history.release_id, -- release that the result counted for
    history.milestone_id, -- milestone that the result counted for
    history.run_started as started_at, -- when the run started (UTC)
    history.run_duration as duration_ms, -- length of the run
    history.error_type, -- class of the error
    history.error_message, -- message of the error
    history.error_details, -- stack trace of the error
    history.failed_build_age as failed_build_count -- builds in a row that it had been failing
from octane.run_history as history
left join er.list_items as native_statuses
    on native_statuses.workspace_id = history._workspace_id
    and native_statuses.list_item_id = history.run_native_status_id
left join er.list_items as statuses
    on statuses.workspace_id = history._workspace_id
    and statuses.list_item_id = history.run_status_id
