-- What was planned for each sprint at its start, what came and went, what was done, what was left?
-- source: er.sprints, er.work_items, er.field_periods, er.done_periods
-- grain: one sprint of a workspace
-- key: workspace_id, sprint_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) up to which sprints are followed; null means the extract's
-- param: release_name text = null -- name of the release, * is any text; null means any
-- param: work_item_types text = 'story,quality_story,defect' -- kinds of work items, with commas
-- note: definition: of our own: planned at the start is what was in the sprint when it started;
--     added came and removed left between its start and its end, so that start + added - removed is
--     what it ended with; carried over was in it at its end and not done then
-- note: gaps: where no change history was read, moments come from the versions that were read, and
--     inexact_item_count says of how many items
-- note: past: what is assigned to a sprint, and done of it, is counted as of now; only what came,
--     went and was carried over follows the history
-- order: workspace_id, start_at desc nulls last, sprint_id
with items as (
    select
        items.workspace_id,
        items.sprint_id,
        items.closed_at,
        items.story_point_count,
        phases.metaphase_code = 'metaphase.work_item.done' as is_done,
    from er.work_items as items
    left join er.phases as phases
        on phases.workspace_id = items.workspace_id
        and phases.phase_code = items.phase_code
        and phases.entity_type = items.work_item_type
    where er.is_listed(items.work_item_type, $work_item_types)
),

current_items as (
    select
        items.workspace_id,
        items.sprint_id,
        count(*) as item_count,
        count(*) filter (where items.is_done) as done_item_count,
        count(*) filter (where items.is_done and items.closed_at > sprints.end_at)
            as late_item_count,
        sum(items.story_point_count) as story_point_count,
        sum(items.story_point_count) filter (where items.is_done) as done_story_point_count,
    from items
    join er.sprints as sprints
        on sprints.workspace_id = items.workspace_id
        and sprints.sprint_id = items.sprint_id
    group by items.workspace_id, items.sprint_id
),

spans as (
    select
        sprints.*,
        least(sprints.end_at, er.as_of($as_of)) as last_at,
        sprints.end_at <= er.as_of($as_of) as has_ended,
    from er.sprints as sprints
    where sprints.start_at <= er.as_of($as_of)
),

members as (
    select
        spans.workspace_id,
        spans.sprint_id,
        memberships.work_item_id,
        any_value(spans.start_at) as start_at,
        any_value(spans.last_at) as last_at,
        any_value(spans.has_ended) as has_ended,
        bool_or(er.is_during(spans.start_at, memberships.from_at, memberships.until_at))
            as was_in_at_start,
        bool_or(er.is_during(spans.last_at, memberships.from_at, memberships.until_at))
            as was_in_at_end,
        bool_or(memberships.value_source <> 'history') as is_inexact,
    from spans
    join er.field_periods as memberships
        on memberships.workspace_id = spans.workspace_id
        and memberships.field_value = spans.sprint_id
        and memberships.field_name = 'sprint'
        and memberships.from_at <= spans.last_at
        and coalesce(memberships.until_at > spans.start_at, true)
    where er.is_listed(memberships.work_item_type, $work_item_types)
    group by spans.workspace_id, spans.sprint_id, memberships.work_item_id
),

judged_members as (
    select
        members.workspace_id,
        members.sprint_id,
        members.work_item_id,
        any_value(members.has_ended) as has_ended,
        any_value(members.was_in_at_start) as was_in_at_start,
        any_value(members.was_in_at_end) as was_in_at_end,
        any_value(members.is_inexact) as is_inexact,
        bool_or(done.work_item_id is not null) as was_done_at_end,
        max(cast(nullif(regexp_extract(estimates.field_value, '([0-9]+)', 1), '') as bigint))
            as start_story_points,
    from members
    left join er.done_periods as done
        on done.workspace_id = members.workspace_id
        and done.work_item_id = members.work_item_id
        and er.is_during(members.last_at, done.done_at, done.undone_at)
    left join er.field_periods as estimates
        on estimates.workspace_id = members.workspace_id
        and estimates.work_item_id = members.work_item_id
        and estimates.field_name = 'story_points'
        and er.is_during(members.start_at, estimates.from_at, estimates.until_at)
    group by members.workspace_id, members.sprint_id, members.work_item_id
),

moves as (
    select
        judged_members.workspace_id,
        judged_members.sprint_id,
        count(*) filter (where judged_members.was_in_at_start) as start_item_count,
        sum(judged_members.start_story_points) filter (where judged_members.was_in_at_start)
            as start_story_point_count,
        count(*) filter (where not judged_members.was_in_at_start) as added_item_count,
        count(*) filter (where not judged_members.was_in_at_end) as removed_item_count,
        count(*) filter (
            where judged_members.was_in_at_end
                and judged_members.has_ended
                and not judged_members.was_done_at_end
        ) as carried_over_item_count,
        count(*) filter (where judged_members.is_inexact) as inexact_item_count,
    from judged_members
    group by judged_members.workspace_id, judged_members.sprint_id
)

select
    sprints.workspace_id, -- workspace that the row belongs to
    sprints.sprint_id, -- id of the sprint
    sprints.sprint_name, -- name of the sprint
    sprints.release_name, -- release that it belongs to
    sprints.start_at, -- planned start (UTC)
    sprints.end_at, -- planned end (UTC)
    coalesce(moves.start_item_count, 0)
        as start_item_count, -- work items that were planned for it when it started
    coalesce(moves.added_item_count, 0)
        as added_item_count, -- those that came after its start and by its end or as_of
    coalesce(moves.removed_item_count, 0)
        as removed_item_count, -- those that were in it and no longer at its end or as_of
    coalesce(moves.carried_over_item_count, 0)
        as carried_over_item_count, -- those in it at its end and not done then; 0 before its end
    coalesce(moves.inexact_item_count, 0)
        as inexact_item_count, -- items of these whose moves are told by versions, not by history
    cast(coalesce(moves.start_story_point_count, 0) as bigint)
        as start_story_point_count, -- points of what was planned when it started
    coalesce(current_items.item_count, 0)
        as planned_item_count, -- work items assigned to it now
    coalesce(current_items.done_item_count, 0) as done_item_count, -- done ones among them
    coalesce(current_items.late_item_count, 0)
        as late_item_count, -- those done only after its end
    cast(coalesce(current_items.story_point_count, 0) as bigint)
        as planned_story_point_count, -- points assigned now
    cast(coalesce(current_items.done_story_point_count, 0) as bigint)
        as done_story_point_count, -- points done
    round(current_items.done_item_count / current_items.item_count, 4)
        as done_ratio -- share of the items that is done; null where none is assigned
from er.sprints as sprints
left join current_items
    on current_items.workspace_id = sprints.workspace_id
    and current_items.sprint_id = sprints.sprint_id
left join moves
    on moves.workspace_id = sprints.workspace_id
    and moves.sprint_id = sprints.sprint_id
where ($workspace_id is null or sprints.workspace_id = $workspace_id)
    and ($release_name is null or er.name_matches(sprints.release_name, $release_name))
