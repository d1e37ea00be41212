-- In which phase was each work item when, by its change history or by the versions that were read?
-- source: octane.history_log
-- source: past.work_item_phases
-- source: er.phases
-- stored: yes
-- grain: one stay of one work item in one phase
-- key: workspace_id, work_item_id, period_number
-- relation: work_item_id -> er.work_items.work_item_id (may be gone)
-- relation: phase_id -> er.phases.phase_id
with readings as (
    -- every extract that wrote rows of a kind had read all of its changes until then
    select
        version._workspace_id,
        version.type,
        version._generation,
        lag(min(version._extracted_at)) over (
            partition by version._workspace_id, version.type
            order by version._generation
        ) as former_reading_at,
    from past.work_item_phases as version
    group by version._workspace_id, version.type, version._generation
),

versions as (
    select
        version.*,
        readings.former_reading_at,
        row_number() over item_versions = 1 as is_first,
        lag(version.phase_id) over item_versions as former_phase_id,
        lag(version._deleted) over item_versions as was_deleted,
        lag(version._extracted_at) over item_versions as former_read_at,
        lag(version.version_stamp) over item_versions as former_version_stamp,
    from past.work_item_phases as version
    join readings
        on readings._workspace_id = version._workspace_id
        and readings.type = version.type
        and readings._generation = version._generation
    window item_versions as (
        partition by version._workspace_id, version.id
        order by version._generation, version._extracted_at
    )
),

changes as (
    select
        versions.*,
        greatest(versions.former_read_at, versions.former_reading_at) as unchanged_until_at,
        case
            when versions._deleted then 'deleted'
            when versions.is_first and versions.last_modified = versions.creation_time
                then 'created'
            when versions.is_first then 'first_version'
            when versions.was_deleted then 'read_again'
            when versions.version_stamp = versions.former_version_stamp + 1 then 'only_change'
            else 'between_versions'
        end as source,
    from versions
    where versions.is_first
        or versions._deleted <> versions.was_deleted
        or versions.phase_id is distinct from versions.former_phase_id
),

-- A change came after one moment and by another one; they are the same where it is dated: the item
-- was not written since it was created, or only this once since the version before.
dated as (
    select
        changes.*,
        case
            when changes.source in ('created', 'only_change') then changes.last_modified
            when changes.source = 'first_version'
                then least(changes.creation_time, changes.last_modified)
            when changes.source = 'between_versions'
                then least(changes.unchanged_until_at, changes.last_modified)
            else changes.former_read_at
        end as changed_after_at,
        case
            when changes.source in ('deleted', 'read_again') then changes._extracted_at
            else coalesce(changes.last_modified, changes._extracted_at)
        end as changed_by_at,
    from changes
),

phase_changes as (
    select
        log.*,
        row_number() over (
            partition by log._workspace_id, log.entity_id
            order by log.changed_at, log.save_number, log.id
        ) as change_number,
    from octane.history_log as log
    where log.field_name = 'phase'
        and log.entity_type in ('story', 'defect', 'quality_story', 'feature', 'epic')
),

-- The history of an item says its phases from its creation on, or from its first change on.
histories as (
    select
        log._workspace_id,
        log.entity_id,
        any_value(log.entity_type) as entity_type,
        min(log.changed_at) filter (where log.action = 'create') as created_at,
        max(log.changed_at) as last_changed_at,
    from octane.history_log as log
    where log.entity_type in ('story', 'defect', 'quality_story', 'feature', 'epic')
    group by log._workspace_id, log.entity_id
    having count(*) filter (where log.action = 'create' or log.field_name = 'phase') > 0
),

first_phases as (
    select
        histories._workspace_id,
        histories.entity_id,
        histories.entity_type,
        histories.created_at,
        first_changes.changed_at as left_at,
        coalesce(
            first_changes.old_value, max(versions.phase_id) filter (where versions.is_first)
        ) as phase_id,
        min(versions.creation_time) as creation_time,
        min(versions.last_modified) filter (
            where versions.phase_id = first_changes.old_value
        ) as seen_at,
    from histories
    left join phase_changes as first_changes
        on first_changes._workspace_id = histories._workspace_id
        and first_changes.entity_id = histories.entity_id
        and first_changes.change_number = 1
    left join versions
        on versions._workspace_id = histories._workspace_id
        and versions.id = histories.entity_id
    where first_changes.change_number is null
        or first_changes.old_value is not null
    group by
        histories._workspace_id, histories.entity_id, histories.entity_type,
        histories.created_at, first_changes.changed_at, first_changes.old_value
),

events as (
    select
        first_phases._workspace_id,
        first_phases.entity_id as id,
        first_phases.entity_type as type,
        first_phases.phase_id,
        false as is_end,
        case when first_phases.created_at is null then 'first_version' else 'history' end as source,
        coalesce(first_phases.created_at, first_phases.creation_time) as changed_after_at,
        coalesce(first_phases.created_at, least(first_phases.seen_at, first_phases.left_at))
            as changed_by_at,
        coalesce(first_phases.created_at, least(first_phases.seen_at, first_phases.left_at))
            as order_at,
        cast(0 as bigint) as place,
        cast(null as timestamp) as read_at,
    from first_phases
    where first_phases.phase_id is not null
        and coalesce(first_phases.created_at, first_phases.creation_time) is not null
    union all
    select
        change._workspace_id, change.entity_id, change.entity_type, change.value,
        false, 'history', change.changed_at, change.changed_at, change.changed_at,
        change.change_number, null
    from phase_changes as change
    union all
    select
        log._workspace_id, log.entity_id, log.entity_type, null,
        true, 'history', log.changed_at, log.changed_at, log.changed_at,
        cast(9000000000 as bigint), null
    from octane.history_log as log
    join histories
        on histories._workspace_id = log._workspace_id
        and histories.entity_id = log.entity_id
    where log.action = 'delete'
    union all
    -- versions say what the history does not: everything of items without one, and what is newer
    select
        dated._workspace_id, dated.id, dated.type, dated.phase_id,
        dated._deleted, dated.source,
        greatest(dated.changed_after_at, histories.last_changed_at), dated.changed_by_at,
        case when histories.entity_id is not null then dated.changed_by_at end,
        9000000000 + dated._generation, dated._extracted_at
    from dated
    left join histories
        on histories._workspace_id = dated._workspace_id
        and histories.entity_id = dated.id
    where histories.entity_id is null
        or dated.source in ('deleted', 'read_again')
        or dated.last_modified > histories.last_changed_at
),

compared_events as (
    select
        events.*,
        lag(events.is_end) over item_events as was_end,
        lag(events.phase_id) over item_events as previous_phase_id,
    from events
    window item_events as (
        partition by events._workspace_id, events.id
        order by events.order_at, events.place, events.read_at
    )
),

changed_events as (
    select compared_events.*
    from compared_events
    where compared_events.was_end is null
        or compared_events.is_end <> compared_events.was_end
        or compared_events.phase_id is distinct from compared_events.previous_phase_id
),

periods as (
    select
        changed_events.*,
        row_number() over item_events as event_number,
        lead(changed_events.changed_after_at) over item_events as left_after_at,
        lead(changed_events.changed_by_at) over item_events as left_by_at,
        lead(changed_events.is_end) over item_events as ends_deleted,
    from changed_events
    window item_events as (
        partition by changed_events._workspace_id, changed_events.id
        order by changed_events.order_at, changed_events.place, changed_events.read_at
    )
)

select
    period._workspace_id as workspace_id, -- workspace that the row belongs to
    period.id as work_item_id, -- work item; it may be gone by now
    row_number() over (
        partition by period._workspace_id, period.id
        order by period.event_number
    ) as period_number, -- 1 is the first stay that is known
    period.type as work_item_type, -- story, defect, quality_story, feature or epic
    period.phase_id, -- phase that it was in
    coalesce(phases.phase_code, period.phase_id) as phase_code, -- logical name of the phase
    phases.phase_label, -- phase that Octane shows
    phases.metaphase_code, -- logical name of the metaphase that the phase belongs to
    period.changed_after_at as entered_after_at, -- it entered the phase after this moment (UTC)
    period.changed_by_at
        as entered_by_at, -- and by this one: the same moment where the change is dated (UTC)
    period.source as
    entry_source, -- history, created, only_change, between_versions, first_version, read_again
    period.left_after_at, -- it left the phase after this moment (UTC); null: still in it
    period.left_by_at, -- and by this one (UTC); null: still in it
    coalesce(period.ends_deleted, false) as was_deleted -- whether it ended because the item is gone
from periods as period
left join er.phases as phases
    on phases.workspace_id = period._workspace_id
    and phases.phase_id = period.phase_id
where not period.is_end
