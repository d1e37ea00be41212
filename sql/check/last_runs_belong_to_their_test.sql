-- Is every last run of a test a run of that test?
-- check: warn
select
    last_runs.workspace_id, -- workspace that the test belongs to
    last_runs.test_id, -- test that names the run as its last
    last_runs.run_id, -- run that is named
    runs.test_id as test_id_of_run -- test that the run is of
from er.last_runs as last_runs
join er.runs as runs
    on runs.workspace_id = last_runs.workspace_id
    and runs.run_id = last_runs.run_id
where runs.test_id is distinct from last_runs.test_id
order by last_runs.workspace_id, last_runs.test_id, last_runs.run_id
