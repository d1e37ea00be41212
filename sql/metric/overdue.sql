-- Which open defects are older than the rule for their severity allows?
-- source: er.defects, er.phases, er.defect_modules
-- grain: one defect that is open and overdue
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: as_of timestamp = null -- moment (UTC) that ages are counted to; null means the extract's
-- param: release_name text = null -- release that they are planned for, * is any text; null means any
-- param: overdue_rules text = 'urgent=2,very_high=5,high=14,medium=60,low=180' --
--     days by severity after which an open defect is overdue, with commas;
--     a rule without days allows none
-- note: definition: of our own: open longer than its severity allows, counted from its creation
-- note: not told apart: a defect that nobody works on, and one that was opened again lately
-- note: gaps: a defect without severity, or with one that no rule names, has no row
-- note: past: defects that are open now, with the severity of now; as_of moves days alone
-- order: overdue_days desc, workspace_id, defect_id
with allowed_days as (
    select
        defects.workspace_id,
        defects.defect_id,
        er.allowed_days(defects.severity_code, $overdue_rules) as day_count,
    from er.defects as defects
),

modules_by_defect as (
    select
        defect_modules.workspace_id,
        defect_modules.defect_id,
        string_agg(
            modules.application_module_name, ', ' order by modules.application_module_name
        ) as application_module_names,
    from er.defect_modules as defect_modules
    join er.application_modules as modules
        on modules.workspace_id = defect_modules.workspace_id
        and modules.application_module_id = defect_modules.application_module_id
    group by defect_modules.workspace_id, defect_modules.defect_id
)

select
    defects.workspace_id, -- workspace that the row belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    defects.phase_label, -- phase that Octane shows
    defects.created_at, -- when it was created in Octane (UTC)
    cast(allowed_days.day_count as bigint)
        as allowed_days, -- days that the rule for its severity allows
    defects.created_at + to_days(allowed_days.day_count) as due_at, -- when they were over (UTC)
    round(
        date_diff(
            'second', defects.created_at + to_days(allowed_days.day_count), er.as_of($as_of)
        ) / 86400,
        1
    ) as overdue_days, -- days from there to as_of
    defects.owner_name, -- full name of its owner; null when it has none
    defects.release_name, -- release that it is planned for
    modules_by_defect.application_module_names, -- its application modules, in order
    er.item_url('work_item', defects.workspace_id, defects.defect_id)
        as defect_url -- where Octane shows the defect
from er.defects as defects
join allowed_days
    on allowed_days.workspace_id = defects.workspace_id
    and allowed_days.defect_id = defects.defect_id
left join er.phases as phases
    on phases.workspace_id = defects.workspace_id
    and phases.phase_code = defects.phase_code
    and phases.entity_type = 'defect'
left join modules_by_defect
    on modules_by_defect.workspace_id = defects.workspace_id
    and modules_by_defect.defect_id = defects.defect_id
where phases.metaphase_code is distinct from 'metaphase.work_item.done'
    and defects.created_at + to_days(allowed_days.day_count) < er.as_of($as_of)
    and ($workspace_id is null or defects.workspace_id = $workspace_id)
    and ($release_name is null or er.name_matches(defects.release_name, $release_name))
