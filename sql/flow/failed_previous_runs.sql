-- Which earlier results of a run or of a build failed?
-- flow: 17 Get failed runs by checking the run history
-- source: https://admhelp.microfocus.com/octane/en/16.1.100/Online/Content/API/Scenario_RunHistory.htm
-- grain: one failed result that a later result of the same run replaced
-- key: workspace_id, previous_run_id
-- param: run_id integer = null -- run whose history is asked for; null means every run
-- param: build_id integer = null -- build that reported the results; null means every build
-- param: since timestamp = null -- only results that started after this moment (UTC)
-- param: as_of timestamp = null -- moment (UTC) that `days` counts back from; null: the extract's
-- param: days integer = null -- only results that started in that many days before as_of
-- param: status_code text = 'list_node.run_native_status.failed' -- logical name, native status
-- order: started_at desc, workspace_id, previous_run_id
select
    previous_runs.workspace_id, -- workspace that the row belongs to
    previous_runs.previous_run_id, -- id of the row of history
    previous_runs.run_id, -- id of the run
    previous_runs.test_id, -- id of the test
    previous_runs.test_name, -- name of the test at that time
    previous_runs.class_name, -- class of the test
    previous_runs.build_id, -- build that reported it
    previous_runs.build_name, -- build that reported it
    previous_runs.pipeline_name, -- pipeline that reported it
    previous_runs.native_status_code, -- logical name of the status as it was reported
    previous_runs.started_at, -- when the run started (UTC)
    previous_runs.duration_ms, -- length of the run
    previous_runs.error_type, -- class of the error
    previous_runs.error_message -- message of the error
from er.previous_runs as previous_runs
where previous_runs.native_status_code = $status_code
    and ($run_id is null or previous_runs.run_id = cast($run_id as varchar))
    and ($build_id is null or previous_runs.build_id = cast($build_id as varchar))
    and ($since is null or previous_runs.started_at > $since)
    and (
        $days is null
        or previous_runs.started_at > coalesce(
            $as_of, (select generation.as_of from meta.generation as generation)
        ) - to_days(cast($days as integer))
    )
