-- Which closed defects are linked to a failed run?
-- flow: 13 Get closed defects associated with a failed test run
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_FailingRunDefects.htm
-- grain: one defect that is linked to at least one such run
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: test_id text = null -- id of the test that the run is of; null means any test
-- param: phase_codes text = 'phase.defect.closed' -- logical names of the phases, comma between them
-- param: status_code text = 'list_node.run_status.failed' -- logical name, summary or native status
-- param: only_newest_runs boolean = false -- only runs after which their test was not run again
-- param: in_one_run boolean = true -- one linked run is of the test and has the status; false: two
--     linked runs may share the conditions
-- param: only_after_closing boolean = false -- only runs that began after the defect was closed
-- param: only_after_fixing boolean = false -- only runs that began after the defect was fixed
-- order: closed_at desc, workspace_id, defect_id
with newest_starts as (
    select -- only when asked for, because it looks at every run
        runs.workspace_id,
        runs.test_id,
        max(runs.started_at) as started_at,
    from er.runs as runs
    where $only_newest_runs
    group by runs.workspace_id, runs.test_id
),

linked_runs as (
    select
        defect_runs.workspace_id,
        defect_runs.defect_id,
        runs.run_id,
        runs.run_name,
        runs.test_id,
        runs.started_at,
        coalesce(runs.started_at, runs.created_at) as happened_at,
        coalesce(coalesce(runs.started_at, runs.created_at) > defects.closed_at, false)
            as is_after_closing,
        coalesce(coalesce(runs.started_at, runs.created_at) > defects.fixed_at, false)
            as is_after_fixing,
        $status_code in (runs.status_code, runs.native_status_code) as has_status,
        $test_id is null or runs.test_id = $test_id as has_test,
        bool_or($test_id is null or runs.test_id = $test_id) over (
            partition by defect_runs.workspace_id, defect_runs.defect_id
        ) as has_run_of_test,
    from er.defect_runs as defect_runs
    join er.runs as runs
        on runs.workspace_id = defect_runs.workspace_id
        and runs.run_id = defect_runs.run_id
    join er.defects as defects
        on defects.workspace_id = defect_runs.workspace_id
        and defects.defect_id = defect_runs.defect_id
    where not exists (
        select 1
        from newest_starts
        where newest_starts.workspace_id = runs.workspace_id
            and newest_starts.test_id = runs.test_id
            and newest_starts.started_at > runs.started_at
    )
),

-- with all that is shown of a run: to look for it among all runs once more takes as long
newest_runs as (
    select
        linked_runs.*,
        count(*) over (
            partition by linked_runs.workspace_id, linked_runs.defect_id
        ) as linked_run_count,
        count(*) filter (where linked_runs.is_after_closing) over (
            partition by linked_runs.workspace_id, linked_runs.defect_id
        ) as after_closing_run_count,
        count(*) filter (where linked_runs.is_after_fixing) over (
            partition by linked_runs.workspace_id, linked_runs.defect_id
        ) as after_fixing_run_count,
    from linked_runs
    where linked_runs.has_status
        and (not $only_after_closing or linked_runs.is_after_closing)
        and (not $only_after_fixing or linked_runs.is_after_fixing)
        and case when $in_one_run then linked_runs.has_test else linked_runs.has_run_of_test end
    qualify row_number() over (
        partition by linked_runs.workspace_id, linked_runs.defect_id
        order by linked_runs.happened_at desc, linked_runs.run_id desc
    ) = 1
)

select
    defects.workspace_id, -- workspace that the row belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.phase_code, -- logical name of its phase
    defects.phase_label, -- phase that Octane shows
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    newest.linked_run_count, -- linked runs of that status, and of the test where one is asked for
    newest.after_closing_run_count, -- those that began after the defect was closed
    newest.after_fixing_run_count, -- those that began after the defect was fixed
    newest.run_id, -- id of the run
    newest.run_name, -- name of the run
    newest.started_at, -- when the run started (UTC)
    newest.is_after_closing, -- whether it began after the defect was closed
    newest.is_after_fixing, -- whether it began after the defect was fixed
    newest.test_id, -- id of the test
    tests.test_name, -- name of the test
    defects.release_id, -- release that it is planned for or counts for
    defects.release_name, -- name of that release
    defects.owner_user_id, -- user who owns it
    defects.owner_name, -- full name of its owner
    defects.fixed_at, -- when it was fixed (UTC)
    defects.closed_at, -- when it was closed (UTC)
    defects.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('work_item', defects.workspace_id, defects.defect_id)
        as defect_url, -- where Octane shows the defect
    er.item_url('run', newest.workspace_id, newest.run_id) as run_url -- where Octane shows the run
from er.defects as defects
join newest_runs as newest
    on newest.workspace_id = defects.workspace_id
    and newest.defect_id = defects.defect_id
left join er.tests as tests
    on tests.workspace_id = newest.workspace_id
    and tests.test_id = newest.test_id
where ($workspace_id is null or defects.workspace_id = $workspace_id)
    and er.is_listed(defects.phase_code, $phase_codes)
