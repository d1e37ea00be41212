-- What changed between two moments: failures, repairs, defects, scope, coverage, runs?
-- source: metric.watched_states; the difference of its answers at since and until
-- grain: one change of one test in one environment and pipeline, of a defect, item or count of runs
-- key: workspace_id, change_code, item_id, part_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: since timestamp = null -- moment (UTC) before the changes; null means a day before until
-- param: until timestamp = null -- moment (UTC) after the changes; null means the extract's time
-- param: flaky_ratio number = 0.05 -- lower end of the share of changes from which on a test is flaky
-- param: overdue_rules text = 'urgent=2,very_high=5,high=14,medium=60,low=180' -- days by severity after which an open defect is overdue, with commas
-- note: definition: of our own: the set difference of metric.watched_states(as_of := since) and
--     metric.watched_states(as_of := until), and the tests that fail in both
-- note: not told apart: what changed there and back again between the two moments, and what did not
--     change
-- note: retries: as in test_outcomes, all results of a test in a build are one outcome
-- note: branches: a pipeline is a series, so branches with pipelines of their own are apart
-- note: environments: each set of environment tags is a series, by ids
-- note: gaps: a failing test without a result for 30 days is gone_stale and not repaired
-- note: renames: ids decide; names, owners and modules are those of now
-- order: change_number, since_at nulls last, workspace_id, item_id, part_id
with states_before as (
    select states.*
    from metric.watched_states(
        workspace_id := $workspace_id,
        as_of := coalesce($since, er.as_of($until) - to_days(1)),
        flaky_ratio := $flaky_ratio,
        overdue_rules := $overdue_rules
    ) as states
),

states_after as (
    select states.*
    from metric.watched_states(
        workspace_id := $workspace_id,
        as_of := er.as_of($until),
        flaky_ratio := $flaky_ratio,
        overdue_rules := $overdue_rules
    ) as states
),

keys as (
    select states_before.workspace_id, states_before.topic_code, states_before.item_id,
        states_before.part_id
    from states_before
    union
    select states_after.workspace_id, states_after.topic_code, states_after.item_id,
        states_after.part_id
    from states_after
),

pairs as (
    select
        keys.workspace_id,
        keys.topic_code,
        keys.item_id,
        keys.part_id,
        coalesce(states_after.item_type, states_before.item_type) as item_type,
        coalesce(states_after.item_name, states_before.item_name) as item_name,
        coalesce(states_after.part_name, states_before.part_name) as part_name,
        coalesce(states_before.state_code, 'none') as before_code,
        coalesce(states_after.state_code, 'none') as after_code,
        states_before.run_count as before_run_count,
        states_after.run_count as after_run_count,
        coalesce(states_after.since_at, states_before.since_at) as since_at,
    from keys
    left join states_before
        on states_before.workspace_id = keys.workspace_id
        and states_before.topic_code = keys.topic_code
        and states_before.item_id is not distinct from keys.item_id
        and states_before.part_id = keys.part_id
    left join states_after
        on states_after.workspace_id = keys.workspace_id
        and states_after.topic_code = keys.topic_code
        and states_after.item_id is not distinct from keys.item_id
        and states_after.part_id = keys.part_id
),

ranked_pairs as (
    select
        pairs.*,
        case pairs.before_code
            when 'list_node.severity.low' then 1
            when 'list_node.severity.medium' then 2
            when 'list_node.severity.high' then 3
            when 'list_node.severity.very_high' then 4
            when 'list_node.severity.urgent' then 5
        end as before_rank,
        case pairs.after_code
            when 'list_node.severity.low' then 1
            when 'list_node.severity.medium' then 2
            when 'list_node.severity.high' then 3
            when 'list_node.severity.very_high' then 4
            when 'list_node.severity.urgent' then 5
        end as after_rank,
        case
            when pairs.topic_code in ('planned_runs', 'executed_runs')
                then coalesce(pairs.after_run_count, 0) - coalesce(pairs.before_run_count, 0)
        end as run_count,
    from pairs
),

changes as (
    select
        ranked_pairs.*,
        case
            when ranked_pairs.topic_code = 'test' and ranked_pairs.after_code = 'failing'
                then case
                    when ranked_pairs.before_code = 'failing' then 'still_failing'
                    else 'newly_failing'
                end
            when ranked_pairs.topic_code = 'test' and ranked_pairs.after_code = 'none'
                then 'repaired'
            when ranked_pairs.topic_code = 'planned_runs' and ranked_pairs.run_count > 0
                then 'runs_planned'
            when ranked_pairs.topic_code = 'executed_runs' and ranked_pairs.run_count > 0
                then 'runs_executed'
            when ranked_pairs.before_code = ranked_pairs.after_code then null
            when ranked_pairs.topic_code = 'test' and ranked_pairs.after_code = 'muted'
                then 'muted'
            when ranked_pairs.topic_code = 'test' then 'gone_stale'
            when ranked_pairs.topic_code = 'flaky' and ranked_pairs.after_code = 'flaky'
                then 'newly_flaky'
            when ranked_pairs.topic_code = 'flaky' then 'no_longer_flaky'
            when ranked_pairs.topic_code = 'defect' and ranked_pairs.after_code = 'done'
                then 'defect_closed'
            when ranked_pairs.topic_code = 'defect' and ranked_pairs.before_code = 'none'
                then 'defect_new'
            when ranked_pairs.topic_code = 'defect' and ranked_pairs.after_code = 'open'
                then 'defect_reopened'
            when ranked_pairs.topic_code = 'severity'
                and ranked_pairs.after_rank > ranked_pairs.before_rank then 'severity_raised'
            when ranked_pairs.topic_code = 'overdue' and ranked_pairs.after_code = 'overdue'
                then 'defect_overdue'
            when ranked_pairs.topic_code = 'release' and ranked_pairs.after_code = 'planned'
                then 'release_scope_added'
            when ranked_pairs.topic_code = 'release' then 'release_scope_removed'
            when ranked_pairs.topic_code = 'sprint' and ranked_pairs.after_code = 'planned'
                then 'sprint_scope_added'
            when ranked_pairs.topic_code = 'sprint' then 'sprint_scope_removed'
            when ranked_pairs.topic_code = 'coverage' and ranked_pairs.after_code = 'none'
                then 'coverage_lost'
        end as change_code,
    from ranked_pairs
),

assigned_modules as (
    select assigned.workspace_id, 'test' as item_group, assigned.test_id as item_id,
        modules.application_module_name
    from er.test_modules as assigned
    join er.application_modules as modules
        on modules.workspace_id = assigned.workspace_id
        and modules.application_module_id = assigned.application_module_id
    union all
    select assigned.workspace_id, 'work_item', assigned.work_item_id,
        modules.application_module_name
    from er.work_item_modules as assigned
    join er.application_modules as modules
        on modules.workspace_id = assigned.workspace_id
        and modules.application_module_id = assigned.application_module_id
),

modules as (
    select
        assigned_modules.workspace_id,
        assigned_modules.item_group,
        assigned_modules.item_id,
        string_agg(
            assigned_modules.application_module_name,
            ', ' order by assigned_modules.application_module_name
        ) as module_names,
    from assigned_modules
    group by assigned_modules.workspace_id, assigned_modules.item_group, assigned_modules.item_id
),

owners as (
    select tests.workspace_id, 'test' as item_group, tests.test_id as item_id, tests.owner_name
    from er.tests as tests
    union all
    select items.workspace_id, 'work_item', items.work_item_id, items.owner_name
    from er.work_items as items
    union all
    select requirements.workspace_id, 'requirement', requirements.requirement_id,
        requirements.owner_name
    from er.requirements as requirements
),

grouped_changes as (
    select
        changes.*,
        case
            when changes.item_type in ('test', 'requirement', 'release') then changes.item_type
            else 'work_item'
        end as item_group,
    from changes
    where changes.change_code is not null
)

select
    changes.workspace_id, -- workspace that the row belongs to
    changes.change_code, -- what happened, such as newly_failing, defect_new or coverage_lost
    changes.item_id, -- test, defect, work item, requirement, release; null: runs without a release
    changes.part_id, -- environment and pipeline of a test; the release or sprint of a place in it
    case changes.change_code
        when 'newly_failing' then cast(1 as bigint)
        when 'defect_new' then 2
        when 'defect_reopened' then 3
        when 'severity_raised' then 4
        when 'defect_overdue' then 5
        when 'coverage_lost' then 6
        when 'newly_flaky' then 7
        when 'muted' then 8
        when 'gone_stale' then 9
        when 'still_failing' then 10
        when 'repaired' then 11
        when 'no_longer_flaky' then 12
        when 'defect_closed' then 13
        when 'release_scope_added' then 14
        when 'release_scope_removed' then 15
        when 'sprint_scope_added' then 16
        when 'sprint_scope_removed' then 17
        when 'runs_planned' then 18
        else 19
    end as change_number, -- place of the kind of change in a letter; 1 comes first
    changes.item_type, -- entity type of the item; test for every kind of test
    changes.item_name, -- name of the item; null where it is gone
    changes.part_name, -- environment and pipeline, release or sprint; null where there is none
    nullif(changes.before_code, 'none')
        as before_code, -- state at since; null: it had no such state
    nullif(changes.after_code, 'none')
        as after_code, -- state at until; null: it has no such state
    changes.run_count, -- runs more than before; null for other changes
    changes.after_run_count, -- runs in all at until; null for other changes
    changes.since_at, -- since when it is so (UTC), of what ended since when it was so
    owners.owner_name, -- full name of the owner; null where there is none
    modules.module_names, -- its application modules, with commas
    case
        when changes.item_id is not null
            then er.item_url(changes.item_group, changes.workspace_id, changes.item_id)
    end as item_url -- where Octane shows the item
from grouped_changes as changes
left join owners
    on owners.workspace_id = changes.workspace_id
    and owners.item_group = changes.item_group
    and owners.item_id = changes.item_id
left join modules
    on modules.workspace_id = changes.workspace_id
    and modules.item_group = changes.item_group
    and modules.item_id = changes.item_id
