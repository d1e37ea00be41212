-- Which values can the criteria of a gate compare, for which releases, sprints, suite runs?
-- source: er.runs, er.last_runs, er.defects, er.work_items
-- grain: one variable of one scope
-- key: workspace_id, scope_type, scope_id, variable_code
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that ages are counted from; null means the extract's
-- param: severity_codes text = 'list_node.severity.high,list_node.severity.very_high,list_node.severity.urgent' -- severities that block, with commas
-- param: overdue_rules text = 'urgent=2,very_high=5,high=14,medium=60,low=180' -- days by severity after which an open defect is overdue, with commas
-- note: definition: of our own: execution is passed, failed and blocked by all runs; completion
--     adds the skipped ones; pass is passed by executed; runs are the last runs of the tests
-- note: not told apart: a release without runs, and one whose runs are of no test that is left; its
--     ratios are null, and a comparison with null does not pass
-- note: retries: a last run counts once for each test, release, milestone and environment
-- note: branches: the last run counts, whichever pipeline it came from
-- note: environments: a test has a last run for each environment, and each counts
-- note: gaps: planned runs are runs that are not executed; drafts and suite runs do not count
-- note: renames: scopes are told apart by id; their names are those of now
-- note: past: runs, defects and work items are those of now; as_of moves ages alone
-- order: workspace_id, scope_type, scope_name, scope_id, variable_number
with scopes as (
    select releases.workspace_id, 'release' as scope_type, releases.release_id as scope_id,
        releases.release_name as scope_name
    from er.releases as releases
    union all
    select sprints.workspace_id, 'sprint', sprints.sprint_id, sprints.sprint_name
    from er.sprints as sprints
    union all
    select milestones.workspace_id, 'milestone', milestones.milestone_id, milestones.milestone_name
    from er.milestones as milestones
    union all
    select runs.workspace_id, 'suite_run', runs.run_id, runs.run_name
    from er.runs as runs
    where runs.run_type = 'run_suite'
    union all
    select modules.workspace_id, 'module', modules.application_module_id,
        modules.application_module_name
    from er.application_modules as modules
),

last_runs as (
    select
        runs.workspace_id,
        runs.test_id,
        runs.status_code,
        runs.release_id,
        runs.sprint_id,
        runs.milestone_id,
    from er.last_runs as last_runs
    join er.runs as runs
        on runs.workspace_id = last_runs.workspace_id
        and runs.run_id = last_runs.run_id
    where runs.run_type <> 'run_suite'
        and not runs.is_draft
),

scoped_runs as (
    select last_runs.workspace_id, 'release' as scope_type, last_runs.release_id as scope_id,
        last_runs.status_code
    from last_runs
    union all
    select last_runs.workspace_id, 'sprint', last_runs.sprint_id, last_runs.status_code
    from last_runs
    union all
    select last_runs.workspace_id, 'milestone', last_runs.milestone_id, last_runs.status_code
    from last_runs
    union all
    select runs.workspace_id, 'suite_run', runs.parent_suite_run_id, runs.status_code
    from er.runs as runs
    where not runs.is_draft
    union all
    select last_runs.workspace_id, 'module', test_modules.application_module_id,
        last_runs.status_code
    from last_runs
    join er.test_modules as test_modules
        on test_modules.workspace_id = last_runs.workspace_id
        and test_modules.test_id = last_runs.test_id
),

run_counts as (
    select
        scoped_runs.workspace_id,
        scoped_runs.scope_type,
        scoped_runs.scope_id,
        count(*) as run_count,
        count(*) filter (where scoped_runs.status_code = 'list_node.run_status.passed')
            as passed_count,
        count(*) filter (where scoped_runs.status_code = 'list_node.run_status.failed')
            as failed_count,
        count(*) filter (where scoped_runs.status_code = 'list_node.run_status.blocked')
            as blocked_count,
        count(*) filter (where scoped_runs.status_code = 'list_node.run_status.skipped')
            as skipped_count,
    from scoped_runs
    where scoped_runs.scope_id is not null
    group by scoped_runs.workspace_id, scoped_runs.scope_type, scoped_runs.scope_id
),

open_items as (
    select
        items.workspace_id,
        items.work_item_id,
        items.work_item_type,
        items.release_id,
        items.sprint_id,
        items.milestone_id,
        phases.metaphase_code is distinct from 'metaphase.work_item.done' as is_open,
        coalesce(er.is_listed(defects.severity_code, $severity_codes), false) as is_blocking,
        coalesce(
            defects.created_at < er.as_of($as_of)
                - to_days(er.allowed_days(defects.severity_code, $overdue_rules)),
            false
        ) as is_overdue,
    from er.work_items as items
    left join er.phases as phases
        on phases.workspace_id = items.workspace_id
        and phases.phase_code = items.phase_code
        and phases.entity_type = items.work_item_type
    left join er.defects as defects
        on defects.workspace_id = items.workspace_id
        and defects.defect_id = items.work_item_id
    where items.work_item_type in ('defect', 'story', 'quality_story', 'feature')
),

scoped_items as (
    select open_items.*, 'release' as scope_type, open_items.release_id as scope_id
    from open_items
    union all
    select open_items.*, 'sprint', open_items.sprint_id
    from open_items
    union all
    select open_items.*, 'milestone', open_items.milestone_id
    from open_items
    union all
    select open_items.*, 'module', item_modules.application_module_id
    from open_items
    join er.work_item_modules as item_modules
        on item_modules.workspace_id = open_items.workspace_id
        and item_modules.work_item_id = open_items.work_item_id
),

item_counts as (
    select
        scoped_items.workspace_id,
        scoped_items.scope_type,
        scoped_items.scope_id,
        count(*) filter (where scoped_items.work_item_type = 'defect' and scoped_items.is_open)
            as open_defect_count,
        count(*) filter (where scoped_items.is_open and scoped_items.is_blocking)
            as blocking_defect_count,
        count(*) filter (where scoped_items.is_open and scoped_items.is_overdue)
            as overdue_defect_count,
        count(*) filter (where scoped_items.work_item_type <> 'defect') as item_count,
        count(*) filter (where scoped_items.work_item_type <> 'defect' and not scoped_items.is_open)
            as done_item_count,
    from scoped_items
    where scoped_items.scope_id is not null
    group by scoped_items.workspace_id, scoped_items.scope_type, scoped_items.scope_id
),

counts as (
    select
        scopes.workspace_id,
        scopes.scope_type,
        scopes.scope_id,
        scopes.scope_name,
        coalesce(run_counts.run_count, 0) as run_count,
        coalesce(run_counts.passed_count, 0) as passed_count,
        coalesce(run_counts.failed_count, 0) as failed_count,
        coalesce(run_counts.blocked_count, 0) as blocked_count,
        coalesce(run_counts.skipped_count, 0) as skipped_count,
        coalesce(item_counts.open_defect_count, 0) as open_defect_count,
        coalesce(item_counts.blocking_defect_count, 0) as blocking_defect_count,
        coalesce(item_counts.overdue_defect_count, 0) as overdue_defect_count,
        coalesce(item_counts.item_count, 0) as item_count,
        coalesce(item_counts.done_item_count, 0) as done_item_count,
    from scopes
    left join run_counts
        on run_counts.workspace_id = scopes.workspace_id
        and run_counts.scope_type = scopes.scope_type
        and run_counts.scope_id = scopes.scope_id
    left join item_counts
        on item_counts.workspace_id = scopes.workspace_id
        and item_counts.scope_type = scopes.scope_type
        and item_counts.scope_id = scopes.scope_id
),

variables as (
    select counts.*, cast(1 as bigint) as variable_number, 'execution_ratio' as variable_code,
        'passed, failed and blocked last runs by all last runs' as formula,
        (counts.passed_count + counts.failed_count + counts.blocked_count)
            / nullif(counts.run_count, 0) as variable_value
    from counts
    union all
    select counts.*, 2, 'completion_ratio',
        'passed, failed, blocked and skipped last runs by all last runs',
        (
            counts.passed_count + counts.failed_count + counts.blocked_count
            + counts.skipped_count
        ) / nullif(counts.run_count, 0)
    from counts
    union all
    select counts.*, 3, 'pass_ratio',
        'passed last runs by executed ones (passed, failed and blocked)',
        counts.passed_count
            / nullif(counts.passed_count + counts.failed_count + counts.blocked_count, 0)
    from counts
    union all
    select counts.*, 4, 'run_count', 'last runs of tests, planned ones included', counts.run_count
    from counts
    union all
    select counts.*, 5, 'passed_count', 'last runs that passed', counts.passed_count
    from counts
    union all
    select counts.*, 6, 'failed_count', 'last runs that failed', counts.failed_count
    from counts
    union all
    select counts.*, 7, 'blocked_count', 'last runs that were blocked', counts.blocked_count
    from counts
    union all
    select counts.*, 8, 'skipped_count', 'last runs that were skipped', counts.skipped_count
    from counts
    union all
    select counts.*, 9, 'open_defect_count', 'defects whose phase is not done',
        counts.open_defect_count
    from counts
    union all
    select counts.*, 10, 'blocking_defect_count', 'open defects of a severity that blocks',
        counts.blocking_defect_count
    from counts
    union all
    select counts.*, 11, 'overdue_defect_count',
        'open defects older than the days of their severity', counts.overdue_defect_count
    from counts
    union all
    select counts.*, 12, 'item_count', 'stories, quality stories and features', counts.item_count
    from counts
    union all
    select counts.*, 13, 'done_item_count', 'those whose phase is done', counts.done_item_count
    from counts
    union all
    select counts.*, 14, 'done_ratio', 'done stories, quality stories and features by all',
        counts.done_item_count / nullif(counts.item_count, 0)
    from counts
)

select
    variables.workspace_id, -- workspace that the row belongs to
    variables.scope_type, -- release, sprint, milestone, suite_run or module
    variables.scope_id, -- id of the scope
    variables.variable_code, -- name of the variable in a criterion
    variables.scope_name, -- name of the scope
    variables.variable_number, -- place of the variable in a list
    variables.variable_value, -- its value; null where there is nothing to divide by
    variables.formula -- how it is counted
from variables
where $workspace_id is null
    or variables.workspace_id = $workspace_id
