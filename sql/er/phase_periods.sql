-- In which phase was each work item when, as far as its versions were read?
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

periods as (
    select
        dated.*,
        lead(dated.changed_after_at) over item_changes as left_after_at,
        lead(dated.changed_by_at) over item_changes as left_by_at,
        lead(dated._deleted) over item_changes as ends_deleted,
    from dated
    window item_changes as (
        partition by dated._workspace_id, dated.id
        order by dated._generation, dated._extracted_at
    )
)

select
    period._workspace_id as workspace_id, -- workspace that the row belongs to
    period.id as work_item_id, -- work item; it may be gone by now
    row_number() over (
        partition by period._workspace_id, period.id
        order by period._generation, period._extracted_at
    ) as period_number, -- 1 is the first stay that is known
    period.type as work_item_type, -- story, defect, quality_story, feature or epic
    period.phase_id, -- phase that it was in
    coalesce(phases.phase_code, period.phase_id) as phase_code, -- logical name of the phase
    phases.phase_label, -- phase that Octane shows
    phases.metaphase_code, -- logical name of the metaphase that the phase belongs to
    period.changed_after_at as entered_after_at, -- it entered the phase after this moment (UTC)
    period.changed_by_at
        as entered_by_at, -- and by this one: the same moment where the change is dated (UTC)
    period.source
        as entry_source, -- created, only_change, between_versions, first_version or read_again
    period.left_after_at, -- it left the phase after this moment (UTC); null: still in it
    period.left_by_at, -- and by this one (UTC); null: still in it
    coalesce(period.ends_deleted, false) as was_deleted -- whether it ended because the item is gone
from periods as period
left join er.phases as phases
    on phases.workspace_id = period._workspace_id
    and phases.phase_id = period.phase_id
where not period._deleted
