-- Which open defects of high severity are associated with an application module?
-- flow: 12 Get open, high-severity defects associated with any application module
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_ReportOpenCriticalDefectAM.htm
-- grain: one defect with at least one application module
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: application_module_name text = '*' -- name of the module, * for any characters
-- param: phase_codes text = 'phase.defect.opened' -- logical names of the phases, comma between them
-- param: severity_codes text = 'list_node.severity.high' -- logical names, commas; null means any
-- param: priority_codes text = null -- logical names of priorities, with commas; null means any
-- param: as_of timestamp = null -- moment (UTC) that ages are measured at; null means the extract's
-- note: past: defects, phases and severities are those of now; as_of moves age_days alone
-- order: severity_rank nulls last, created_at, workspace_id, defect_id
with modules_by_defect as (
    select
        defect_modules.workspace_id,
        defect_modules.defect_id,
        count(*) as application_module_count,
        string_agg(
            modules.application_module_name, ', ' order by modules.application_module_name
        ) as application_module_names,
    from er.defect_modules as defect_modules
    join er.application_modules as modules
        on modules.workspace_id = defect_modules.workspace_id
        and modules.application_module_id = defect_modules.application_module_id
    where er.name_matches(modules.application_module_name, $application_module_name)
    group by defect_modules.workspace_id, defect_modules.defect_id
)

select
    defects.workspace_id, -- workspace that the row belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    case defects.severity_code
        when 'list_node.severity.urgent' then cast(1 as bigint)
        when 'list_node.severity.very_high' then 2
        when 'list_node.severity.high' then 3
        when 'list_node.severity.medium' then 4
        when 'list_node.severity.low' then 5
    end as severity_rank, -- 1 is the gravest of Octane's own five; null for others
    defects.priority_code, -- logical name of its priority
    defects.priority_label, -- priority that Octane shows
    defects.phase_code, -- logical name of its phase
    defects.phase_label, -- phase that Octane shows
    modules.application_module_count, -- its application modules that are asked for
    modules.application_module_names, -- its application modules that are asked for, in order
    defects.release_id, -- release that it is planned for or counts for
    defects.release_name, -- name of that release
    defects.owner_user_id, -- user who owns it
    defects.owner_name, -- full name of its owner
    defects.created_at, -- when it was created in Octane (UTC)
    date_diff('day', defects.created_at, er.as_of($as_of)) as age_days, -- days from there to as_of
    defects.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('work_item', defects.workspace_id, defects.defect_id)
        as defect_url -- where Octane shows the defect
from er.defects as defects
join modules_by_defect as modules
    on modules.workspace_id = defects.workspace_id
    and modules.defect_id = defects.defect_id
where ($workspace_id is null or defects.workspace_id = $workspace_id)
    and er.is_listed(defects.phase_code, $phase_codes)
    and ($severity_codes is null or er.is_listed(defects.severity_code, $severity_codes))
    and ($priority_codes is null or er.is_listed(defects.priority_code, $priority_codes))
