-- Which fixed defects that nobody closed are linked to a passed run?
-- flow: 14 Get open defects associated with a successful test run
-- source: https://admhelp.microfocus.com/octane/en/latest/Online/Content/API/Scenario_SuccessRunOpenDefects.htm
-- grain: one defect that is linked to at least one such run
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: test_id text = null -- id of the test that the run is of; null means any test
-- param: phase_codes text = 'phase.defect.fixed' -- logical names of the phases, comma between them
-- param: status_code text = 'list_node.run_status.passed' -- logical name, summary or native status
-- param: only_newest_runs boolean = false -- only runs after which their test was not run again
-- param: in_one_run boolean = true -- one linked run is of the test and has the status; false: two
--     linked runs may share the conditions
-- param: only_after_fixing boolean = false -- only runs that began after the defect was fixed
-- order: fixed_at desc, workspace_id, defect_id
select -- the question of flow 13, asked with other phases and another status
    defects.workspace_id, -- workspace that the row belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.phase_code, -- logical name of its phase
    defects.phase_label, -- phase that Octane shows
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    defects.linked_run_count, -- linked runs of that status, and of the test where one is asked for
    defects.after_fixing_run_count, -- those that began after the defect was fixed
    defects.run_id, -- id of the run
    defects.run_name, -- name of the run
    defects.started_at, -- when the run started (UTC)
    defects.is_after_fixing, -- whether it began after the defect was fixed
    defects.test_id, -- id of the test
    defects.test_name, -- name of the test
    defects.release_id, -- release that it is planned for or counts for
    defects.release_name, -- name of that release
    defects.owner_user_id, -- user who owns it
    defects.owner_name, -- full name of its owner
    defects.fixed_at, -- when it was fixed (UTC)
    defects.modified_at, -- when it last changed in Octane (UTC)
    defects.defect_url, -- where Octane shows the defect
    defects.run_url -- where Octane shows the run
from flow.closed_defects_of_failed_runs(
    workspace_id := $workspace_id,
    test_id := $test_id,
    phase_codes := $phase_codes,
    status_code := $status_code,
    only_newest_runs := $only_newest_runs,
    in_one_run := $in_one_run,
    only_after_fixing := $only_after_fixing
) as defects
