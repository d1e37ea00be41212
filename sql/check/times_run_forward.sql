-- Does every item end after it began, and does every run and build take time?
-- check: warn
with reversed_times as (
    select
        items.workspace_id,
        items.work_item_type as item_type,
        items.work_item_id as item_id,
        'closed before it was created' as problem,
    from er.work_items as items
    where date_diff('second', items.created_at, items.closed_at) < 0
    union all by name
    select
        releases.workspace_id,
        'release' as item_type,
        releases.release_id as item_id,
        'ends before it starts' as problem,
    from er.releases as releases
    where releases.end_at < releases.start_at
    union all by name
    select
        sprints.workspace_id,
        'sprint' as item_type,
        sprints.sprint_id as item_id,
        'ends before it starts' as problem,
    from er.sprints as sprints
    where sprints.end_at < sprints.start_at
    union all by name
    select
        runs.workspace_id,
        runs.run_type as item_type,
        runs.run_id as item_id,
        'has a duration below zero' as problem,
    from er.runs as runs
    where runs.duration_ms < 0
    union all by name
    select
        previous_runs.workspace_id,
        'run_history' as item_type,
        previous_runs.previous_run_id as item_id,
        'has a duration below zero' as problem,
    from er.previous_runs as previous_runs
    where previous_runs.duration_ms < 0
    union all by name
    select
        builds.workspace_id,
        'ci_build' as item_type,
        builds.build_id as item_id,
        'has a duration below zero' as problem,
    from er.builds as builds
    where builds.duration_ms < 0
)

select
    reversed_times.workspace_id, -- workspace that the row belongs to
    reversed_times.item_type, -- kind of the row
    reversed_times.item_id, -- id of the row
    reversed_times.problem -- what is the wrong way round
from reversed_times
order by reversed_times.workspace_id, reversed_times.item_type, reversed_times.item_id
