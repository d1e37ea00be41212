-- Which owner, release, severity, sprint, estimate and team had each work item when?
-- source: octane.history_log
-- source: past.work_item_phases
-- grain: one value of one field of one work item, for as long as it had it
-- key: workspace_id, work_item_id, field_name, period_number
-- relation: work_item_id -> er.work_items.work_item_id (may be gone)
with fields as (
    select 'owner' as field_name
    union all select 'release'
    union all select 'severity'
    union all select 'sprint'
    union all select 'story_points'
    union all select 'team'
),

versions as (
    select
        version.*,
        fields.field_name,
        case fields.field_name
            when 'owner' then version.owner_id
            when 'release' then version.release_id
            when 'severity' then version.severity_id
            when 'sprint' then version.sprint_id
            when 'story_points' then cast(version.story_points as varchar)
            else version.team_id
        end as value,
        row_number() over field_versions = 1 as is_first,
        lag(version._deleted) over field_versions as was_deleted,
    from past.work_item_phases as version
    cross join fields
    window field_versions as (
        partition by version._workspace_id, version.id, fields.field_name
        order by version._generation, version._extracted_at
    )
),

histories as (
    select
        log._workspace_id,
        log.entity_id,
        min(log.changed_at) filter (where log.action = 'create') as created_at,
        max(log.changed_at) as last_changed_at,
    from octane.history_log as log
    where log.entity_type in ('story', 'defect', 'quality_story', 'feature', 'epic')
    group by log._workspace_id, log.entity_id
),

changes as (
    select
        log.*,
        row_number() over (
            partition by log._workspace_id, log.entity_id, log.field_name
            order by log.changed_at, log.save_number, log.id
        ) as change_number,
    from octane.history_log as log
    where log.entity_type in ('story', 'defect', 'quality_story', 'feature', 'epic')
        and log.field_name in ('owner', 'release', 'severity', 'sprint', 'story_points', 'team')
),

changed_fields as (
    select distinct
        changes._workspace_id,
        changes.entity_id,
        changes.field_name,
    from changes
),

creations as (
    select
        version._workspace_id,
        version.id,
        min(version.creation_time) as creation_time,
    from past.work_item_phases as version
    group by version._workspace_id, version.id
),

events as (
    select
        change._workspace_id,
        change.entity_id as id,
        change.entity_type as type,
        change.field_name,
        change.value,
        change.changed_at as from_at,
        'history' as value_source,
        change.changed_at as order_at,
        change.change_number as place,
    from changes as change
    union all
    -- before its first change the field had the value that this change replaced
    select
        change._workspace_id, change.entity_id, change.entity_type, change.field_name,
        change.old_value,
        least(coalesce(histories.created_at, creations.creation_time), change.changed_at),
        case when histories.created_at is null then 'first_known' else 'history' end,
        change.changed_at,
        cast(0 as bigint)
    from changes as change
    join histories
        on histories._workspace_id = change._workspace_id
        and histories.entity_id = change.entity_id
    left join creations
        on creations._workspace_id = change._workspace_id
        and creations.id = change.entity_id
    where change.change_number = 1
        and coalesce(histories.created_at, creations.creation_time) is not null
    union all
    select
        change._workspace_id, change.entity_id, change.entity_type, change.field_name,
        null, ends.changed_at, 'history', ends.changed_at, cast(9000000000 as bigint)
    from changes as change
    join octane.history_log as ends
        on ends._workspace_id = change._workspace_id
        and ends.entity_id = change.entity_id
        and ends.entity_type = change.entity_type
    where ends.action = 'delete'
    union all
    -- versions say what the history does not: fields that it never changed, and what is newer
    select
        version._workspace_id, version.id, version.type, version.field_name,
        case when not version._deleted then version.value end,
        case
            when version._deleted or version.was_deleted then version._extracted_at
            when version.is_first and changed_fields.entity_id is null
                then least(
                    coalesce(histories.created_at, version.creation_time, version._extracted_at),
                    version.last_modified
                )
            else coalesce(version.last_modified, version._extracted_at)
        end,
        case
            when not version.is_first or changed_fields.entity_id is not null then 'version'
            when histories.created_at is not null then 'history'
            else 'first_known'
        end,
        case
            when changed_fields.entity_id is null then null
            when version._deleted or version.was_deleted then version._extracted_at
            else version.last_modified
        end,
        9000000000 + version._generation
    from versions as version
    left join histories
        on histories._workspace_id = version._workspace_id
        and histories.entity_id = version.id
    left join changed_fields
        on changed_fields._workspace_id = version._workspace_id
        and changed_fields.entity_id = version.id
        and changed_fields.field_name = version.field_name
    where changed_fields.entity_id is null
        or version._deleted
        or version.was_deleted
        or version.last_modified > histories.last_changed_at
),

compared_events as (
    select
        events.*,
        row_number() over field_events as event_number,
        lag(events.value) over field_events as previous_value,
    from events
    window field_events as (
        partition by events._workspace_id, events.id, events.field_name
        order by events.order_at, events.place, events.from_at
    )
),

periods as (
    select
        compared_events.*,
        lead(compared_events.from_at) over (
            partition by
                compared_events._workspace_id, compared_events.id, compared_events.field_name
            order by compared_events.event_number
        ) as until_at,
    from compared_events
    where compared_events.event_number = 1
        or compared_events.value is distinct from compared_events.previous_value
)

select
    period._workspace_id as workspace_id, -- workspace that the row belongs to
    period.id as work_item_id, -- work item; it may be gone by now
    period.field_name, -- owner, release, severity, sprint, story_points or team
    row_number() over (
        partition by period._workspace_id, period.id, period.field_name
        order by period.event_number
    ) as period_number, -- 1 is the first value that is known
    period.type as work_item_type, -- story, defect, quality_story, feature or epic
    period.value as field_value, -- its value; of a reference the id
    period.from_at, -- moment from which on it had the value (UTC)
    period.until_at, -- moment at which it got another one or none (UTC); null: it has it still
    period.value_source -- history; version: of a version; first_known: maybe another one before
from periods as period
where period.value is not null
