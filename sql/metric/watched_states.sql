-- In which state was everything that a morning's changes are about, at a moment?
-- source: metric.current_failures, metric.flaky_tests, er.phase_periods, er.field_changes
-- grain: one watched state: of a test in one environment and pipeline, a defect, a place in a
--     release or sprint, a covered item, a count of runs
-- key: workspace_id, topic_code, item_id, part_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) of the states; null means the extract's time
-- param: flaky_ratio number = 0.05 -- lower end of the share of changes from which on a test is flaky
-- param: overdue_rules text = 'urgent=2,very_high=5,high=14,medium=60,low=180' -- days by severity after which an open defect is overdue, with commas
-- note: definition: of our own: a test fails or is muted as in current_failures; it is flaky when
--     it failed and passed in one build, or changes at least as often as flaky_ratio in no small
--     sample
-- note: not told apart: an entity type whose change history was not read, and one whose fields
--     never changed; there the values of now count for every moment
-- note: retries: as in test_outcomes, all results of a test in a build are one outcome
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart
-- note: environments: each set of environment tags is a series, by ids
-- note: gaps: an item that is gone by now has no state at any moment; of a test that is gone, the
--     coverage ends with its deletion
-- note: renames: ids decide, so another name is no other state
-- order: workspace_id, topic_code, item_id, part_id
with earlier_changes as (
    select changes.*
    from er.field_changes as changes
    where changes.changed_at <= er.as_of($as_of)
        and changes.field_name in ('severity', 'release', 'sprint')
    qualify row_number() over (
        partition by changes.workspace_id, changes.entity_id, changes.field_name
        order by changes.changed_at desc, changes.save_number desc, changes.field_change_id desc
    ) = 1
),

later_changes as (
    select changes.*
    from er.field_changes as changes
    where changes.changed_at > er.as_of($as_of)
        and changes.field_name in ('severity', 'release', 'sprint')
    qualify row_number() over (
        partition by changes.workspace_id, changes.entity_id, changes.field_name
        order by changes.changed_at, changes.save_number, changes.field_change_id
    ) = 1
),

current_values as (
    select
        items.workspace_id,
        items.work_item_type,
        items.work_item_id,
        'release' as field_name,
        items.release_id as current_value,
        items.created_at,
    from er.work_items as items
    union all
    select
        items.workspace_id, items.work_item_type, items.work_item_id, 'sprint', items.sprint_id,
        items.created_at
    from er.work_items as items
    union all
    select
        defects.workspace_id, 'defect', defects.defect_id, 'severity', defects.severity_id,
        defects.created_at
    from er.defects as defects
),

field_values as (
    select
        current_values.workspace_id,
        current_values.work_item_type,
        current_values.work_item_id,
        current_values.field_name,
        current_values.created_at,
        case
            when earlier_changes.field_change_id is not null then earlier_changes.new_value
            when later_changes.field_change_id is not null then later_changes.old_value
            else current_values.current_value
        end as field_value,
        coalesce(earlier_changes.changed_at, current_values.created_at) as since_at,
    from current_values
    left join earlier_changes
        on earlier_changes.workspace_id = current_values.workspace_id
        and earlier_changes.entity_id = current_values.work_item_id
        and earlier_changes.entity_type = current_values.work_item_type
        and earlier_changes.field_name = current_values.field_name
    left join later_changes
        on later_changes.workspace_id = current_values.workspace_id
        and later_changes.entity_id = current_values.work_item_id
        and later_changes.entity_type = current_values.work_item_type
        and later_changes.field_name = current_values.field_name
    where current_values.created_at <= er.as_of($as_of)
),

severities as (
    select
        field_values.workspace_id,
        field_values.work_item_id,
        coalesce(list_items.list_item_code, field_values.field_value) as severity_code,
        field_values.since_at,
    from field_values
    left join er.list_items as list_items
        on list_items.workspace_id = field_values.workspace_id
        and list_items.list_item_id = field_values.field_value
    where field_values.field_name = 'severity'
),

defects as (
    select
        periods.workspace_id,
        periods.work_item_id as defect_id,
        case
            when periods.metaphase_code = 'metaphase.work_item.done' then 'done'
            else 'open'
        end as state_code,
        periods.entered_by_at as since_at,
        severities.severity_code,
        severities.since_at as severity_since_at,
        er.allowed_days(severities.severity_code, $overdue_rules) as overdue_days,
        items.created_at,
    from er.phase_periods as periods
    join er.work_items as items
        on items.workspace_id = periods.workspace_id
        and items.work_item_id = periods.work_item_id
    left join severities
        on severities.workspace_id = periods.workspace_id
        and severities.work_item_id = periods.work_item_id
    where periods.work_item_type = 'defect'
        and periods.entered_by_at <= er.as_of($as_of)
        and (periods.left_by_at is null or periods.left_by_at > er.as_of($as_of))
),

due_defects as (
    select
        defects.workspace_id,
        defects.defect_id,
        defects.created_at + to_days(defects.overdue_days) as overdue_at,
    from defects
    where defects.state_code = 'open'
        and defects.overdue_days is not null
),

-- a value that was added or removed; the deletion of the test removes all
coverage_events as (
    select
        changes.workspace_id,
        changes.entity_id as test_id,
        changes.field_name,
        coalesce(changes.new_value, changes.old_value) as target_id,
        changes.new_value is not null as is_added,
        changes.changed_at,
        changes.save_number,
    from er.field_changes as changes
    where changes.field_name in ('covered_content', 'covered_requirement')
),

earlier_coverage as (
    select coverage_events.*
    from coverage_events
    where coverage_events.changed_at <= er.as_of($as_of)
    qualify row_number() over (
        partition by
            coverage_events.workspace_id, coverage_events.test_id, coverage_events.field_name,
            coverage_events.target_id
        order by
            coverage_events.changed_at desc, coverage_events.save_number desc,
            coverage_events.is_added desc
    ) = 1
),

later_coverage as (
    select coverage_events.*
    from coverage_events
    where coverage_events.changed_at > er.as_of($as_of)
    qualify row_number() over (
        partition by
            coverage_events.workspace_id, coverage_events.test_id, coverage_events.field_name,
            coverage_events.target_id
        order by
            coverage_events.changed_at, coverage_events.save_number, coverage_events.is_added
    ) = 1
),

coverage_links as (
    select links.workspace_id, links.test_id, 'covered_content' as field_name,
        links.work_item_id as target_id
    from er.test_work_items as links
    union all
    select links.workspace_id, links.test_id, 'covered_requirement', links.requirement_id
    from er.test_requirements as links
),

deleted_tests as (
    select changes.workspace_id, changes.entity_id as test_id, min(changes.changed_at) as deleted_at
    from er.field_changes as changes
    where changes.action_code = 'delete'
        and changes.entity_type in ('test_manual', 'gherkin_test', 'test_automated', 'test_suite')
    group by changes.workspace_id, changes.entity_id
),

covering_tests as (
    select earlier_coverage.workspace_id, earlier_coverage.test_id, earlier_coverage.field_name,
        earlier_coverage.target_id, earlier_coverage.changed_at as since_at
    from earlier_coverage
    where earlier_coverage.is_added
    union all
    -- what happens to a link first later says what it was before
    select later_coverage.workspace_id, later_coverage.test_id, later_coverage.field_name,
        later_coverage.target_id, null
    from later_coverage
    left join earlier_coverage
        on earlier_coverage.workspace_id = later_coverage.workspace_id
        and earlier_coverage.test_id = later_coverage.test_id
        and earlier_coverage.field_name = later_coverage.field_name
        and earlier_coverage.target_id = later_coverage.target_id
    where earlier_coverage.test_id is null
        and not later_coverage.is_added
    union all
    select links.workspace_id, links.test_id, links.field_name, links.target_id, tests.created_at
    from coverage_links as links
    join er.tests as tests
        on tests.workspace_id = links.workspace_id
        and tests.test_id = links.test_id
        and tests.created_at <= er.as_of($as_of)
    left join coverage_events
        on coverage_events.workspace_id = links.workspace_id
        and coverage_events.test_id = links.test_id
        and coverage_events.field_name = links.field_name
        and coverage_events.target_id = links.target_id
    where coverage_events.test_id is null
),

covered_items as (
    select
        covering_tests.workspace_id,
        covering_tests.field_name,
        covering_tests.target_id,
        min(covering_tests.since_at) as since_at,
    from covering_tests
    left join deleted_tests
        on deleted_tests.workspace_id = covering_tests.workspace_id
        and deleted_tests.test_id = covering_tests.test_id
    where deleted_tests.test_id is null
        or deleted_tests.deleted_at > er.as_of($as_of)
    group by
        covering_tests.workspace_id, covering_tests.field_name, covering_tests.target_id
),

run_times as (
    select
        runs.workspace_id,
        runs.release_id,
        case when runs.run_type = 'run_manual' then runs.created_at end as planned_at,
        case
            when runs.status_code <> 'list_node.run_status.planned'
                then coalesce(runs.started_at, runs.created_at)
        end as executed_at,
    from er.runs as runs
    where runs.run_type <> 'run_suite'
        and not runs.is_draft
    union all
    select
        previous_runs.workspace_id, previous_runs.release_id, null,
        previous_runs.started_at
    from er.previous_runs as previous_runs
),

states as (
    select
        failures.workspace_id,
        'test' as topic_code,
        'test' as item_type,
        failures.test_id as item_id,
        coalesce(failures.environment_ids, '') || '/'
            || coalesce(failures.pipeline_id, 'name ' || failures.pipeline_name, '')
            as part_id,
        coalesce(failures.environment_label, 'no environment') || ', '
            || coalesce(failures.pipeline_name, 'no pipeline')
            as part_name,
        failures.state_code,
        failures.failed_since_at as since_at,
        failures.test_name as item_name,
        cast(null as bigint) as run_count,
    from metric.current_failures(workspace_id := $workspace_id, as_of := $as_of) as failures
    union all
    select
        flaky.workspace_id, 'flaky', 'test', flaky.test_id,
        coalesce(flaky.environment_ids, '') || '/'
            || coalesce(flaky.pipeline_id, 'name ' || flaky.pipeline_name, ''),
        coalesce(flaky.environment_label, 'no environment') || ', '
            || coalesce(flaky.pipeline_name, 'no pipeline'),
        'flaky',
        greatest(flaky.last_changed_at, flaky.last_flaky_build_at), flaky.test_name, null
    from metric.flaky_tests(workspace_id := $workspace_id, as_of := $as_of) as flaky
    where flaky.flaky_build_count > 0
        or (not flaky.is_small_sample and flaky.flakiness_low_ratio >= $flaky_ratio)
    union all
    select
        defects.workspace_id, 'defect', 'defect', defects.defect_id, '', null,
        defects.state_code, defects.since_at, null, null
    from defects
    union all
    select
        defects.workspace_id, 'severity', 'defect', defects.defect_id, '', null,
        defects.severity_code, defects.severity_since_at, null, null
    from defects
    where defects.state_code = 'open'
        and defects.severity_code is not null
    union all
    select
        due_defects.workspace_id, 'overdue', 'defect', due_defects.defect_id, '', null,
        'overdue', due_defects.overdue_at, null, null
    from due_defects
    where due_defects.overdue_at < er.as_of($as_of)
    union all
    select
        field_values.workspace_id, field_values.field_name, field_values.work_item_type,
        field_values.work_item_id, field_values.field_value,
        coalesce(releases.release_name, sprints.sprint_name), 'planned', field_values.since_at,
        null, null
    from field_values
    left join er.releases as releases
        on releases.workspace_id = field_values.workspace_id
        and releases.release_id = field_values.field_value
        and field_values.field_name = 'release'
    left join er.sprints as sprints
        on sprints.workspace_id = field_values.workspace_id
        and sprints.sprint_id = field_values.field_value
        and field_values.field_name = 'sprint'
    where field_values.field_name <> 'severity'
        and field_values.field_value is not null
    union all
    select
        covered.workspace_id, 'coverage', items.work_item_type, covered.target_id, '', null,
        'covered', covered.since_at, null, null
    from covered_items as covered
    join er.work_items as items
        on items.workspace_id = covered.workspace_id
        and items.work_item_id = covered.target_id
    where covered.field_name = 'covered_content'
    union all
    select
        covered.workspace_id, 'coverage', 'requirement', covered.target_id, 'requirement', null,
        'covered', covered.since_at, null, null
    from covered_items as covered
    join er.requirements as requirements
        on requirements.workspace_id = covered.workspace_id
        and requirements.requirement_id = covered.target_id
    where covered.field_name = 'covered_requirement'
    union all
    select
        run_times.workspace_id, 'planned_runs', 'release', run_times.release_id, '', null,
        'counted', max(run_times.planned_at), null, count(*)
    from run_times
    where run_times.planned_at <= er.as_of($as_of)
    group by run_times.workspace_id, run_times.release_id
    union all
    select
        run_times.workspace_id, 'executed_runs', 'release', run_times.release_id, '', null,
        'counted', max(run_times.executed_at), null, count(*)
    from run_times
    where run_times.executed_at <= er.as_of($as_of)
    group by run_times.workspace_id, run_times.release_id
)

select
    states.workspace_id, -- workspace that the row belongs to
    states.topic_code, -- test, flaky, defect, severity, overdue, release, sprint, coverage or runs
    states.item_id, -- test, defect, work item, requirement, release; null: runs without a release
    states.part_id, -- environment and pipeline of a test; the release or sprint of a place in it
    states.item_type, -- entity type of the item; test for every kind of test
    states.part_name, -- the part in words; null where there is none
    states.state_code, -- failing, muted, stale, flaky, open, done, a severity, counted and others
    states.run_count, -- number of runs where they are counted; null for other states
    states.since_at, -- since when (UTC); null where the change history does not tell
    coalesce(states.item_name, items.work_item_name, requirements.requirement_name,
        releases.release_name) as item_name -- name of the item
from states
left join er.work_items as items
    on items.workspace_id = states.workspace_id
    and items.work_item_id = states.item_id
    and items.work_item_type = states.item_type
left join er.requirements as requirements
    on requirements.workspace_id = states.workspace_id
    and requirements.requirement_id = states.item_id
    and states.item_type = 'requirement'
left join er.releases as releases
    on releases.workspace_id = states.workspace_id
    and releases.release_id = states.item_id
    and states.item_type = 'release'
where $workspace_id is null
    or states.workspace_id = $workspace_id
