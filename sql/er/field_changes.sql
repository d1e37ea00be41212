-- Who changed which field of which entity, when, and from what to what?
-- source: octane.history_log
-- source: er.phases, er.sprints, er.releases, er.users
-- grain: one changed field of one save; several values of a field are several rows
-- key: workspace_id, field_change_id
-- relation: changed_by_user_id -> er.users.user_id (may be gone)
with item_names as (
    select phases.workspace_id, 'phase' as field_name, phases.phase_id as id,
        phases.phase_label as name
    from er.phases as phases
    union all
    select sprints.workspace_id, 'sprint', sprints.sprint_id, sprints.sprint_name
    from er.sprints as sprints
    union all
    select releases.workspace_id, 'release', releases.release_id, releases.release_name
    from er.releases as releases
    union all
    select users.workspace_id, 'owner', users.user_id, users.full_name
    from er.users as users
),

logins as (
    select
        users.workspace_id,
        users.user_name,
        min(users.user_id) as user_id,
        min(users.full_name) as full_name,
    from er.users as users
    group by users.workspace_id, users.user_name
)

select
    log._workspace_id as workspace_id, -- workspace that the row belongs to
    log.id as field_change_id, -- the same whenever the same change is read
    log.entity_type, -- entity type that was changed
    log.entity_id, -- entity that was changed; it may be gone by now
    log.changed_at, -- when it was saved (UTC)
    log.save_number, -- order of the saves of one entity within a second, from 0
    log.action as action_code, -- create, update or delete
    log.field_name, -- field that was changed; null for a deletion
    coalesce(log.field_label, log.field_name) as field_label, -- field as Octane shows it
    log.old_value, -- value before, of a reference the id
    coalesce(log.old_value_text, old_names.name, log.old_value)
        as old_value_label, -- value before, as Octane shows it
    log.value as new_value, -- value after, of a reference the id
    coalesce(log.value_text, new_names.name, log.value)
        as new_value_label, -- value after, as Octane shows it
    coalesce(log.user_id, logins.user_id) as changed_by_user_id, -- user who saved it
    coalesce(log.user_full_name, logins.full_name, log.user_name)
        as changed_by_name -- full name of that user
from octane.history_log as log
left join item_names as old_names
    on old_names.workspace_id = log._workspace_id
    and old_names.field_name = log.field_name
    and old_names.id = log.old_value
left join item_names as new_names
    on new_names.workspace_id = log._workspace_id
    and new_names.field_name = log.field_name
    and new_names.id = log.value
left join logins
    on logins.workspace_id = log._workspace_id
    and logins.user_name = log.user_name
