-- Which open defects of high severity are associated with an application module?
-- flow: 12 Get open, high-severity defects associated with any application module
-- source: https://admhelp.microfocus.com/valueedge/en/24.4/Online/Content/API/Scenario_ReportOpenCriticalDefectAM.htm
-- grain: one defect with at least one application module
-- key: workspace_id, defect_id
-- param: phase_codes text = 'phase.defect.opened' -- logical names of the phases, comma between them
-- param: severity_codes text = 'list_node.severity.high' -- logical names, comma between them
-- order: created_at, workspace_id, defect_id
with modules_by_defect as (
    select
        defect_modules.workspace_id,
        defect_modules.defect_id,
        count(*) as module_count,
        string_agg(
            modules.application_module_name, ', ' order by modules.application_module_name
        ) as module_names,
    from er.defect_modules as defect_modules
    join er.application_modules as modules
        on modules.workspace_id = defect_modules.workspace_id
        and modules.application_module_id = defect_modules.application_module_id
    group by defect_modules.workspace_id, defect_modules.defect_id
)

select
    defects.workspace_id, -- workspace that the defect belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    defects.phase_code, -- logical name of its phase
    defects.phase_label, -- phase that Octane shows
    modules.module_count, -- application modules that it is assigned to
    modules.module_names, -- their names in alphabetical order
    releases.release_name, -- release that it is planned for
    owners.full_name as owner_name, -- user who owns it
    defects.created_at -- when it was created in Octane (UTC)
from er.defects as defects
join modules_by_defect as modules
    on modules.workspace_id = defects.workspace_id
    and modules.defect_id = defects.defect_id
left join er.releases as releases
    on releases.workspace_id = defects.workspace_id
    and releases.release_id = defects.release_id
left join er.users as owners
    on owners.workspace_id = defects.workspace_id
    and owners.user_id = defects.owner_user_id
where list_contains(string_split(replace($phase_codes, ' ', ''), ','), defects.phase_code)
    and list_contains(string_split(replace($severity_codes, ' ', ''), ','), defects.severity_code)
