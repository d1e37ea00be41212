-- Which defects were opened again after they had been fixed or closed?
-- source: er.defects
-- grain: one defect that was opened again
-- key: workspace_id, defect_id
-- param: workspace_id text = null -- workspace to look at; null means all
-- param: release_name text = null -- release that they were found in, * is any text; null means any
-- param: reopens integer = 1 -- times at least
-- order: reopen_count desc, workspace_id, defect_id
select
    defects.workspace_id, -- workspace that the row belongs to
    defects.defect_id, -- id of the defect
    defects.defect_name, -- name of the defect
    defects.reopen_count, -- times that it was opened again
    defects.severity_code, -- logical name of its severity
    defects.severity_label, -- severity that Octane shows
    defects.phase_code, -- logical name of its phase
    defects.phase_label, -- phase that Octane shows
    defects.detected_in_release_name, -- release that it was found in
    defects.owner_name, -- full name of its owner
    defects.modified_at, -- when it last changed in Octane (UTC)
    er.item_url('work_item', defects.workspace_id, defects.defect_id)
        as defect_url -- where Octane shows the defect
from er.defects as defects
where defects.reopen_count >= $reopens
    and ($workspace_id is null or defects.workspace_id = $workspace_id)
    and (
        $release_name is null
        or er.name_matches(defects.detected_in_release_name, $release_name)
    )
