-- How often do items move from each phase to each other one, and after how long?
-- source: er.phase_periods, er.field_periods, er.phase_changes
-- grain: one move from phase to phase of one kind of work items of a team, with by_user of one user
-- key: workspace_id, work_item_type, team_id, from_phase_id, to_phase_id, changed_by_user_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that the window ends at; null means the extract's
-- param: days integer = null -- only moves in that many days before as_of; null means all
-- param: work_item_types text = 'defect,story,quality_story,feature' -- kinds, with commas
-- param: team_name text = null -- name of the team, * is any text; null means any, and items without one
-- param: by_user boolean = false -- true: a row for each user who moved items, too
-- param: vague_days number = 1 -- a stay whose begin and end are known less exactly than this is not measured
-- param: small_sample integer = 5 -- fewer measured stays than this are a small sample
-- note: definition: of our own: the stay is the time in the phase that was left, from the move into
--     it on
-- note: gaps: two moves between two versions are one where no change history was read
-- order: workspace_id, work_item_type, transition_count desc, team_id, from_phase_id, to_phase_id,
--    changed_by_user_id
with stays as (
    select
        periods.*,
        lead(periods.phase_id) over item_stays as next_phase_id,
    from er.phase_periods as periods
    window item_stays as (
        partition by periods.workspace_id, periods.work_item_id
        order by periods.period_number
    )
),

movers as (
    select
        changes.workspace_id,
        changes.work_item_id,
        changes.changed_at,
        changes.to_phase_id,
        max(coalesce(changes.changed_by_user_id, changes.changed_by_name)) as user_id,
        max(changes.changed_by_name) as user_name,
    from er.phase_changes as changes
    where $by_user
    group by
        changes.workspace_id, changes.work_item_id, changes.changed_at, changes.to_phase_id
),

moves as (
    select
        stays.*,
        teams.field_value as team_id,
        movers.user_id,
        movers.user_name,
        date_diff('second', stays.entered_by_at, stays.left_by_at) / 86400 as stay_days,
        (
            date_diff('second', stays.entered_after_at, stays.entered_by_at)
            + date_diff('second', stays.left_after_at, stays.left_by_at)
        ) / 86400 as unknown_days,
    from stays
    left join er.field_periods as teams
        on teams.workspace_id = stays.workspace_id
        and teams.work_item_id = stays.work_item_id
        and teams.field_name = 'team'
        and er.is_during(stays.left_by_at, teams.from_at, teams.until_at)
    left join movers
        on movers.workspace_id = stays.workspace_id
        and movers.work_item_id = stays.work_item_id
        and movers.changed_at = stays.left_by_at
        and movers.to_phase_id = stays.next_phase_id
    where not stays.was_deleted
        and stays.left_by_at <= er.as_of($as_of)
        and (
            $days is null
            or stays.left_by_at > er.as_of($as_of) - to_days(cast($days as integer))
        )
        and er.is_listed(stays.work_item_type, $work_item_types)
        and ($workspace_id is null or stays.workspace_id = $workspace_id)
),

judged as (
    select
        moves.*,
        moves.stay_days >= 0 and moves.unknown_days <= $vague_days as is_measured,
    from moves
),

transitions as (
    select
        judged.workspace_id,
        judged.work_item_type,
        judged.team_id,
        judged.phase_id as from_phase_id,
        judged.next_phase_id as to_phase_id,
        judged.user_id,
        max(judged.user_name) as user_name,
        count(*) as transition_count,
        count(distinct judged.work_item_id) as item_count,
        count(*) filter (where judged.is_measured) as measured_count,
        median(judged.stay_days) filter (where judged.is_measured) as median_days,
        quantile_cont(judged.stay_days, 0.9) filter (where judged.is_measured) as p90_days,
    from judged
    group by
        judged.workspace_id, judged.work_item_type, judged.team_id, judged.phase_id,
        judged.next_phase_id, judged.user_id
)

select
    transitions.workspace_id, -- workspace that the row belongs to
    transitions.work_item_type, -- kind of the work items
    transitions.team_id, -- team that they belonged to when they moved; null for those without one
    teams.team_name, -- name of that team
    transitions.from_phase_id, -- phase that they left
    coalesce(from_phases.phase_code, transitions.from_phase_id)
        as from_phase_code, -- logical name of that phase
    from_phases.phase_label as from_phase_label, -- phase that Octane shows
    transitions.to_phase_id, -- phase that they entered
    coalesce(to_phases.phase_code, transitions.to_phase_id)
        as to_phase_code, -- logical name of that phase
    to_phases.phase_label as to_phase_label, -- phase that Octane shows
    transitions.user_id as changed_by_user_id, -- who moved them, with by_user; else null
    transitions.user_name as changed_by_name, -- full name of that user, with by_user
    transitions.transition_count, -- moves
    transitions.item_count, -- items that moved
    transitions.measured_count, -- moves after a stay that is measured, which the days are of
    round(transitions.median_days, 2)
        as median_days, -- half of the measured stays before the move took less
    round(transitions.p90_days, 2) as p90_days, -- 90 percent took less
    transitions.measured_count < $small_sample as is_small_sample -- too few to plan by
from transitions
left join er.teams as teams
    on teams.workspace_id = transitions.workspace_id
    and teams.team_id = transitions.team_id
left join er.phases as from_phases
    on from_phases.workspace_id = transitions.workspace_id
    and from_phases.phase_id = transitions.from_phase_id
left join er.phases as to_phases
    on to_phases.workspace_id = transitions.workspace_id
    and to_phases.phase_id = transitions.to_phase_id
where ($team_name is null or er.name_matches(teams.team_name, $team_name))
