-- Which runs are there, of all kinds, and how did they end?
-- source: octane.run_automated, octane.gherkin_automated_run, octane.run_manual, octane.run_suite
-- grain: one run of a workspace
-- key: workspace_id, run_id
-- relation: test_id -> er.tests.test_id
-- relation: release_id -> er.releases.release_id
-- relation: milestone_id -> er.milestones.milestone_id
-- relation: sprint_id -> er.sprints.sprint_id
-- relation: parent_suite_run_id -> er.runs.run_id
-- relation: build_id -> er.builds.build_id
-- relation: pipeline_id -> er.pipelines.pipeline_id
-- relation: run_by_user_id -> er.users.user_id
-- relation: author_user_id -> er.users.user_id
-- relation: status_id -> er.list_items.list_item_id
-- relation: native_status_id -> er.list_items.list_item_id
-- relation: program_id -> er.programs.program_id
-- relation: test_version_id -> er.test_versions.test_version_id
with all_runs as (
    select
        run_automated._workspace_id, run_automated.id, run_automated.type, run_automated.name,
        run_automated.test_id, run_automated.test_type, run_automated.status_id,
        run_automated.native_status_id, run_automated.release_id, run_automated.milestone_id,
        run_automated.sprint_id, run_automated.program_id, run_automated.run_by_id,
        run_automated.author_id, run_automated.draft_run, run_automated.started,
        run_automated.creation_time, run_automated.last_modified, run_automated.parent_suite_id,
        run_automated.description, run_automated.duration, run_automated.build_id,
        run_automated.pipeline_id,
        run_automated.error_type, run_automated.error_message, run_automated.error_details,
        run_automated.failed_build_age
    from octane.run_automated as run_automated
    union all by name
    select
        gherkin_automated_run._workspace_id, gherkin_automated_run.id, gherkin_automated_run.type,
        gherkin_automated_run.name, gherkin_automated_run.test_id, gherkin_automated_run.test_type,
        gherkin_automated_run.status_id, gherkin_automated_run.native_status_id,
        gherkin_automated_run.release_id, gherkin_automated_run.milestone_id,
        gherkin_automated_run.sprint_id, gherkin_automated_run.program_id,
        gherkin_automated_run.run_by_id, gherkin_automated_run.author_id,
        gherkin_automated_run.draft_run, gherkin_automated_run.started,
        gherkin_automated_run.creation_time, gherkin_automated_run.last_modified,
        gherkin_automated_run.parent_suite_id, gherkin_automated_run.description,
        gherkin_automated_run.duration,
        gherkin_automated_run.build_id, gherkin_automated_run.pipeline_id,
        gherkin_automated_run.error_type, gherkin_automated_run.error_message,
        gherkin_automated_run.error_details, gherkin_automated_run.failed_build_age,
        gherkin_automated_run.test_version_id
    from octane.gherkin_automated_run as gherkin_automated_run
    union all by name
    select
        run_manual._workspace_id, run_manual.id, run_manual.type, run_manual.name,
        run_manual.test_id, run_manual.test_type, run_manual.status_id, run_manual.native_status_id,
        run_manual.release_id, run_manual.milestone_id, run_manual.sprint_id, run_manual.program_id,
        run_manual.run_by_id, run_manual.author_id, run_manual.draft_run, run_manual.started,
        run_manual.creation_time, run_manual.last_modified, run_manual.parent_suite_id,
        run_manual.duration, run_manual.test_version_id
    from octane.run_manual as run_manual
    union all by name
    select
        run_suite._workspace_id, run_suite.id, run_suite.type, run_suite.name, run_suite.test_id,
        run_suite.test_type, run_suite.status_id, run_suite.native_status_id, run_suite.release_id,
        run_suite.milestone_id, run_suite.sprint_id, run_suite.program_id, run_suite.run_by_id,
        run_suite.author_id, run_suite.draft_run, run_suite.started, run_suite.creation_time,
        run_suite.last_modified
    from octane.run_suite as run_suite
)

select
    run._workspace_id as workspace_id, -- workspace that the row belongs to
    run.id as run_id, -- id, unique over all kinds
    run.type as run_type, -- run_automated, gherkin_automated_run, run_manual or run_suite
    run.name as run_name, -- name of the run
    run.test_id, -- test that was run
    run.test_type, -- kind of that test
    run.test_version_id, -- version of the test that was run
    run.status_id, -- list value of the summary status
    coalesce(statuses.list_item_code, run.status_id)
        as status_code, -- logical name of the summary status
    statuses.list_item_label as status_label, -- summary status that Octane shows
    run.native_status_id, -- list value of the status as it was reported
    coalesce(native_statuses.list_item_code, run.native_status_id)
        as native_status_code, -- logical name of the status as it was reported
    run.release_id, -- release that the result counts for
    run.milestone_id, -- milestone that the result counts for
    run.sprint_id, -- sprint of the run
    run.program_id, -- program that the result counts for
    run.parent_suite_id as parent_suite_run_id, -- suite run that contains it
    run.build_id, -- build that reported it
    run.pipeline_id, -- pipeline that reported it
    run.run_by_id as run_by_user_id, -- user who runs it
    run.author_id as author_user_id, -- user who created it
    coalesce(run.draft_run, false) as is_draft, -- whether it is a draft, which does not count
    run.started as started_at, -- when the run started (UTC)
    run.creation_time
        as created_at, -- when the result reached Octane (UTC); 'recent' counts from here
    run.last_modified as modified_at, -- when it last changed in Octane (UTC)
    run.duration as duration_ms, -- length of the run
    run.error_type, -- class of the error
    run.error_message, -- message of the error
    run.error_details, -- stack trace of the error
    run.failed_build_age as failed_build_count, -- builds in a row that it has been failing
    -- `octane-flows report-results` begins the description with the attempts
    cast(
        nullif(
            regexp_extract(
                run.description, '^\s*(<[^>]*>\s*)*attempts: ([0-9]+) [(][a-z, ]*[)]', 2
            ),
            ''
        ) as bigint
    ) as attempt_count, -- attempts that the result is made of; null where that is not told
    case
        when regexp_matches(
                run.description, '^\s*(<[^>]*>\s*)*attempts: [0-9]+ [(][a-z, ]*[)]'
            )
            then regexp_matches(
                run.description, '^\s*(<[^>]*>\s*)*attempts: [0-9]+ [(][a-z, ]*[)]; flaky'
            )
    end as is_flaky_result -- whether attempts failed and passed; null where that is not told
from all_runs as run
left join er.list_items as statuses
    on statuses.workspace_id = run._workspace_id
    and statuses.list_item_id = run.status_id
left join er.list_items as native_statuses
    on native_statuses.workspace_id = run._workspace_id
    and native_statuses.list_item_id = run.native_status_id
