-- Which failures of now need somebody: since which build, where, with which defect, and who?
-- source: metric.clustered_failures, er.defect_runs, er.defects, er.tests, er.test_modules
-- grain: one failure cluster of which a test fails now
-- key: workspace_id, cluster_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- later results are left out; null means the extract's time
-- param: pipeline_name text = null -- pipelines to look at, * is any text; null means all
-- param: failure_states text = 'failing' -- some of failing, muted, stale: with commas
-- param: fixed_phase_codes text = 'phase.defect.fixed' -- phases of a fixed defect, with commas
-- param: stale_days integer = 30 -- a test without a result for longer than this is stale
-- note: definition: of our own: tests that fail now with one masked error text, as failure_clusters
--     masks it; the owner is who owns most of these tests, else who owns most tests of their
--     modules (Octane's modules have no owner), else who fixed a defect of these tests last
-- note: not told apart: two causes with one text; a test that failed with another text before, and
--     counts from its first failure on
-- note: retries: all results of a test in a build are one outcome, that of the last passed or
--     failed result
-- note: branches: failures of all pipelines that are looked at are together, each from its own
--     first failed build on
-- note: environments: each set of environment tags fails on its own, and all are counted together
-- note: gaps: skipped tests and tests without a result for stale_days are left out, unless
--     failure_states names them
-- note: renames: a test keeps its failure by its id, and is shown with the newest name that is
--     known
-- note: past: the failures and the phases of their defects are those of as_of; links, owners and
--     modules are those of now
-- order: is_flaky, test_count desc, failed_since_at, workspace_id, cluster_id
with failures as (
    select failures.*
    from metric.clustered_failures(
        workspace_id := $workspace_id,
        as_of := $as_of,
        pipeline_name := $pipeline_name,
        failure_states := $failure_states,
        stale_days := $stale_days
    ) as failures
),

clusters as (
    select
        failures.workspace_id,
        failures.cluster_id,
        any_value(failures.error_pattern) as error_pattern,
        count(*) as failure_count,
        count(distinct failures.test_id) as test_count,
        count(distinct failures.test_id) filter (where failures.is_flaky) as flaky_test_count,
        bool_and(failures.is_flaky) as is_flaky,
        min(failures.failed_since_at) as failed_since_at,
        max(failures.last_failed_at) as last_failed_at,
        arg_min_null(
            failures.first_failed_build_id,
            (
                failures.failed_since_at, length(failures.test_id), failures.test_id,
                failures.environment_ids, failures.pipeline_key
            )
        ) as first_failed_build_id,
        arg_min_null(
            failures.first_failed_build_name,
            (
                failures.failed_since_at, length(failures.test_id), failures.test_id,
                failures.environment_ids, failures.pipeline_key
            )
        ) as first_failed_build_name,
        arg_max_null(
            failures.test_id,
            (
                failures.last_failed_at, length(failures.test_id), failures.test_id,
                failures.environment_ids, failures.pipeline_key
            )
        ) as last_failed_test_id,
        arg_max_null(
            failures.error_message,
            (
                failures.last_failed_at, length(failures.test_id), failures.test_id,
                failures.environment_ids, failures.pipeline_key
            )
        ) as error_message,
    from failures
    group by failures.workspace_id, failures.cluster_id
),

cluster_tests as (
    select distinct failures.workspace_id, failures.cluster_id, failures.test_id
    from failures
),

cluster_modules as (
    select distinct
        cluster_tests.workspace_id,
        cluster_tests.cluster_id,
        test_modules.application_module_id,
    from cluster_tests
    join er.test_modules as test_modules
        on test_modules.workspace_id = cluster_tests.workspace_id
        and test_modules.test_id = cluster_tests.test_id
),

labels as (
    select failures.workspace_id, failures.cluster_id, 'test' as label_kind,
        failures.test_name as label
    from failures
    union
    select failures.workspace_id, failures.cluster_id, 'environment', failures.environment_label
    from failures
    union
    select failures.workspace_id, failures.cluster_id, 'pipeline', failures.pipeline_name
    from failures
    union
    select cluster_modules.workspace_id, cluster_modules.cluster_id, 'module',
        modules.application_module_name
    from cluster_modules
    join er.application_modules as modules
        on modules.workspace_id = cluster_modules.workspace_id
        and modules.application_module_id = cluster_modules.application_module_id
),

numbered_labels as (
    select
        labels.*,
        row_number() over (
            partition by labels.workspace_id, labels.cluster_id, labels.label_kind
            order by labels.label
        ) as label_number,
    from labels
),

label_lists as (
    select
        labels.workspace_id,
        labels.cluster_id,
        string_agg(labels.label, ', ' order by labels.label) filter (
            where labels.label_kind = 'test' and labels.label_number <= 5
        ) as test_names,
        string_agg(labels.label, '; ' order by labels.label) filter (
            where labels.label_kind = 'environment'
        ) as environment_labels,
        string_agg(labels.label, ', ' order by labels.label) filter (
            where labels.label_kind = 'pipeline'
        ) as pipeline_names,
        string_agg(labels.label, ', ' order by labels.label) filter (
            where labels.label_kind = 'module'
        ) as application_module_names,
    from numbered_labels as labels
    group by labels.workspace_id, labels.cluster_id
),

-- a defect of an earlier failure says nothing of this one
linked_defects as (
    select
        failures.workspace_id,
        failures.cluster_id,
        defect_runs.defect_id,
        count(distinct failures.test_id) as linked_test_count,
    from failures
    join er.automated_results as results
        on results.workspace_id = failures.workspace_id
        and results.test_id = failures.test_id
        and results.environment_ids is not distinct from failures.environment_ids
        and coalesce(results.pipeline_id, 'name ' || results.pipeline_name)
            is not distinct from failures.pipeline_key
        and results.result_at between failures.failed_since_at and failures.last_failed_at
    join er.defect_runs as defect_runs
        on defect_runs.workspace_id = results.workspace_id
        and defect_runs.run_id = results.run_id
    group by failures.workspace_id, failures.cluster_id, defect_runs.defect_id
),

open_defects as (
    select
        linked_defects.workspace_id,
        linked_defects.cluster_id,
        linked_defects.linked_test_count,
        defects.defect_id,
        defects.defect_name,
        defects.severity_label,
        defects.owner_name,
        count(*) over (
            partition by linked_defects.workspace_id, linked_defects.cluster_id
        ) as open_defect_count,
    from linked_defects
    join er.defects as defects
        on defects.workspace_id = linked_defects.workspace_id
        and defects.defect_id = linked_defects.defect_id
        and defects.created_at <= er.as_of($as_of)
    left join er.done_periods as done
        on done.workspace_id = defects.workspace_id
        and done.work_item_id = defects.defect_id
        and er.is_during(er.as_of($as_of), done.done_at, done.undone_at)
    where done.work_item_id is null
    qualify row_number() over (
        partition by linked_defects.workspace_id, linked_defects.cluster_id
        order by
            linked_defects.linked_test_count desc, defects.created_at,
            length(defects.defect_id), defects.defect_id
    ) = 1
),

fixes as (
    select
        changes.workspace_id,
        changes.work_item_id as defect_id,
        changes.changed_by_user_id as user_id,
        changes.changed_at as fixed_at,
        1 as source_number,
    from er.phase_changes as changes
    join er.phases as phases
        on phases.workspace_id = changes.workspace_id
        and phases.phase_id = changes.to_phase_id
    where changes.work_item_type = 'defect'
        and changes.changed_at <= er.as_of($as_of)
        and er.is_listed(phases.phase_code, $fixed_phase_codes)
    union all
    -- without a history the owner of a fixed defect is who fixed it
    select defects.workspace_id, defects.defect_id, defects.owner_user_id, defects.fixed_at, 2
    from er.defects as defects
    where defects.fixed_at <= er.as_of($as_of)
),

candidates as (
    select
        cluster_tests.workspace_id,
        cluster_tests.cluster_id,
        1 as reason_number,
        'test_owner' as reason_code,
        tests.owner_user_id as user_id,
        count(*) as owned_count,
        cast(null as timestamp) as fixed_at,
    from cluster_tests
    join er.tests as tests
        on tests.workspace_id = cluster_tests.workspace_id
        and tests.test_id = cluster_tests.test_id
    group by cluster_tests.workspace_id, cluster_tests.cluster_id, tests.owner_user_id
    union all
    select
        cluster_modules.workspace_id, cluster_modules.cluster_id, 2, 'module_owner',
        tests.owner_user_id, count(distinct tests.test_id), null
    from cluster_modules
    join er.test_modules as test_modules
        on test_modules.workspace_id = cluster_modules.workspace_id
        and test_modules.application_module_id = cluster_modules.application_module_id
    join er.tests as tests
        on tests.workspace_id = test_modules.workspace_id
        and tests.test_id = test_modules.test_id
    group by cluster_modules.workspace_id, cluster_modules.cluster_id, tests.owner_user_id
    union all
    select
        cluster_tests.workspace_id, cluster_tests.cluster_id, 2 + fixes.source_number,
        'last_fixer', fixes.user_id, 0, max(fixes.fixed_at)
    from cluster_tests
    join er.runs as runs
        on runs.workspace_id = cluster_tests.workspace_id
        and runs.test_id = cluster_tests.test_id
    join er.defect_runs as defect_runs
        on defect_runs.workspace_id = runs.workspace_id
        and defect_runs.run_id = runs.run_id
    join fixes
        on fixes.workspace_id = defect_runs.workspace_id
        and fixes.defect_id = defect_runs.defect_id
    group by
        cluster_tests.workspace_id, cluster_tests.cluster_id, fixes.source_number, fixes.user_id
),

owners as (
    select
        candidates.workspace_id,
        candidates.cluster_id,
        candidates.reason_code,
        candidates.user_id,
        users.full_name,
    from candidates
    join er.users as users
        on users.workspace_id = candidates.workspace_id
        and users.user_id = candidates.user_id
    qualify row_number() over (
        partition by candidates.workspace_id, candidates.cluster_id
        order by
            candidates.reason_number, candidates.owned_count desc, candidates.fixed_at desc,
            length(candidates.user_id), candidates.user_id
    ) = 1
)

select
    clusters.workspace_id, -- workspace that the tests belong to
    clusters.cluster_id, -- its cluster in failure_clusters
    clusters.error_pattern, -- error text, with what varies masked; <no text> where there is none
    clusters.first_failed_build_id, -- build in which it began; null when none is known
    clusters.first_failed_build_name, -- name or number of that build
    clusters.failed_since_at, -- when the first test of it began to fail (UTC)
    round(date_diff('second', clusters.failed_since_at, er.as_of($as_of)) / 3600, 1)
        as failure_age_hours, -- hours from there to as_of
    clusters.last_failed_at, -- when the newest failure of it began (UTC)
    clusters.test_count, -- tests that fail so
    clusters.failure_count, -- these tests, counted in each environment and pipeline
    clusters.flaky_test_count, -- those of the tests that are flaky
    clusters.is_flaky, -- whether all of it are failures of flaky tests
    owners.user_id as owner_user_id, -- user who is to act; null where none can be named
    owners.full_name as owner_name, -- full name of that user
    owners.reason_code as owner_reason_code, -- test_owner, module_owner or last_fixer
    open_defects.defect_id, -- open defect that is linked to most of its tests; null: none
    open_defects.defect_name, -- name of that defect
    open_defects.severity_label as defect_severity_label, -- severity that Octane shows
    open_defects.owner_name as defect_owner_name, -- full name of the defect's owner
    coalesce(open_defects.linked_test_count, 0) as linked_test_count, -- tests that it is linked to
    coalesce(open_defects.open_defect_count, 0) as open_defect_count, -- all open defects linked
    label_lists.test_names, -- names of its tests in order, five at most
    label_lists.application_module_names, -- application modules of its tests, in order
    label_lists.environment_labels, -- environments that it fails in, semicolons between them
    label_lists.pipeline_names, -- pipelines that it fails in, in order
    clusters.error_message, -- message of the newest failure; null when it has none
    er.item_url('work_item', clusters.workspace_id, open_defects.defect_id)
        as defect_url, -- where Octane shows the defect
    er.item_url('test', clusters.workspace_id, clusters.last_failed_test_id)
        as test_url -- where Octane shows the test that failed last
from clusters
join label_lists
    on label_lists.workspace_id = clusters.workspace_id
    and label_lists.cluster_id = clusters.cluster_id
left join open_defects
    on open_defects.workspace_id = clusters.workspace_id
    and open_defects.cluster_id = clusters.cluster_id
left join owners
    on owners.workspace_id = clusters.workspace_id
    and owners.cluster_id = clusters.cluster_id
