-- Which features have a test whose last run failed recently, their own or one of their children?
-- flow: 11 Get features whose automated tests recently failed
-- source: https://admhelp.microfocus.com/octane/en/23.4-24.1/Online/Content/API/Scenario_FailingTestBacklogFeature.htm
-- grain: one feature with such a test
-- key: workspace_id, feature_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- end of the window (UTC); null: the extract's, and all read since
-- param: hours integer = 24 -- length of the window; a result counts from its creation in Octane
-- param: status_codes text = 'list_node.run_status.failed' -- summary statuses, with commas
-- param: only_automated boolean = false -- automated tests only; false means tests of all kinds
-- note: past: last runs are those of now, so a test that ran again since counts by its newest run
--     alone
-- order: failed_test_count desc, workspace_id, feature_id
with failed_tests as (
    select
        last_runs.workspace_id,
        last_runs.test_id,
        any_value(tests.test_name) as test_name,
        max(last_runs.created_at) as last_failed_at,
    from er.last_runs as last_runs
    left join er.tests as tests
        on tests.workspace_id = last_runs.workspace_id
        and tests.test_id = last_runs.test_id
    where er.is_listed(last_runs.status_code, $status_codes)
        and last_runs.created_at > er.as_of($as_of) - to_hours($hours)
        and ($as_of is null or last_runs.created_at <= $as_of)
        and (not $only_automated or last_runs.test_type = 'test_automated')
    group by last_runs.workspace_id, last_runs.test_id
),

-- a test counts for the work item that it covers and for the parent of that item
failed_tests_of_items as (
    select
        covered.workspace_id,
        covered.work_item_id as feature_id,
        covered.test_id,
        true as is_direct,
    from er.test_work_items as covered
    union all by name
    select
        children.workspace_id,
        children.parent_work_item_id as feature_id,
        covered.test_id,
        false as is_direct,
    from er.test_work_items as covered
    join er.work_items as children
        on children.workspace_id = covered.workspace_id
        and children.work_item_id = covered.work_item_id
),

-- a test that covers the feature and several of its children is one test
failed_tests_of_features as (
    select
        items.workspace_id,
        items.feature_id,
        items.test_id,
        any_value(failed_tests.test_name) as test_name,
        bool_or(items.is_direct) as is_direct,
        bool_or(not items.is_direct) as is_of_child,
        max(failed_tests.last_failed_at) as last_failed_at,
    from failed_tests_of_items as items
    join failed_tests
        on failed_tests.workspace_id = items.workspace_id
        and failed_tests.test_id = items.test_id
    group by items.workspace_id, items.feature_id, items.test_id
),

failures as (
    select
        failed.workspace_id,
        failed.feature_id,
        count(*) as failed_test_count,
        count(*) filter (where failed.is_direct) as direct_failed_test_count,
        count(*) filter (where failed.is_of_child) as child_failed_test_count,
        string_agg(failed.test_name, ', ' order by failed.test_name, failed.test_id)
            as failed_test_names,
        max(failed.last_failed_at) as last_failed_at,
    from failed_tests_of_features as failed
    group by failed.workspace_id, failed.feature_id
)

select
    features.workspace_id, -- workspace that the row belongs to
    features.work_item_id as feature_id, -- id of the feature
    features.work_item_name as feature_name, -- name of the feature
    features.phase_code, -- logical name of its phase
    features.phase_label, -- phase that Octane shows
    features.release_id, -- release that it is planned for or counts for
    features.release_name, -- name of that release
    features.owner_user_id, -- user who owns it
    features.owner_name, -- full name of its owner
    failures.failed_test_count, -- tests with a failed last run in the window
    failures.direct_failed_test_count, -- those that cover the feature itself
    failures.child_failed_test_count, -- those that cover a story or defect below it
    failures.failed_test_names, -- names of these tests, in alphabetical order
    failures.last_failed_at, -- when the newest of them reached Octane (UTC)
    er.item_url('work_item', features.workspace_id, features.work_item_id)
        as feature_url -- where Octane shows the feature
from er.work_items as features
join failures
    on failures.workspace_id = features.workspace_id
    and failures.feature_id = features.work_item_id
where ($workspace_id is null or features.workspace_id = $workspace_id)
    and features.work_item_type = 'feature'
