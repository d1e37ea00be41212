-- Does a row of history belong to a run of the same test, where that run is still there?
-- check: warn
select
    previous_runs.workspace_id, -- workspace that the result belongs to
    previous_runs.previous_run_id, -- id of the row of history
    previous_runs.run_id, -- run that it names
    previous_runs.test_id, -- test that it names
    runs.test_id as test_id_of_run -- test that the run is of
from er.previous_runs as previous_runs
join er.runs as runs
    on runs.workspace_id = previous_runs.workspace_id
    and runs.run_id = previous_runs.run_id
where runs.test_id <> previous_runs.test_id
order by previous_runs.workspace_id, previous_runs.previous_run_id
