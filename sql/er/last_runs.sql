-- Which runs are the last ones of each test, and how did they end?
-- source: octane.test_manual__last_runs
-- source: octane.gherkin_test__last_runs
-- source: octane.test_automated__last_runs
-- source: octane.test_suite__last_runs
-- source: er.runs
-- stored: yes
-- grain: one last run of a test
-- key: workspace_id, test_id, run_id
-- relation: test_id -> er.tests.test_id
-- relation: run_id -> er.runs.run_id
-- relation: release_id -> er.releases.release_id
with all_links as (
    select
        link._workspace_id, link.source_id,
        'test_manual' as source_type,
        link.target_id, link.target_type
    from octane.test_manual__last_runs as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'gherkin_test' as source_type,
        link.target_id, link.target_type
    from octane.gherkin_test__last_runs as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_automated' as source_type,
        link.target_id, link.target_type
    from octane.test_automated__last_runs as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_suite' as source_type,
        link.target_id, link.target_type
    from octane.test_suite__last_runs as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as test_id, -- test whose last runs these are
    link.source_type as test_type, -- kind of the test
    link.target_id
        as run_id, -- one of its last runs; one for each release, milestone, program and environment
    link.target_type as run_type, -- kind of the run
    runs.status_code, -- logical name of the run's summary status; null where the run is gone
    runs.status_label, -- summary status that Octane shows
    runs.release_id, -- release that the run counts for
    runs.started_at, -- when the run started (UTC)
    runs.created_at -- when its result reached Octane (UTC); 'recent' counts from here
from all_links as link
left join er.runs as runs
    on runs.workspace_id = link._workspace_id
    and runs.run_id = link.target_id
