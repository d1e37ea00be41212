-- Does every entity type that counts as complete hold as many rows as the server counted?
-- check: error
select
    completeness.workspace_id, -- workspace that was read
    completeness.entity, -- entity type that was read
    completeness.total_count, -- rows that the server counted
    completeness.rows_read, -- rows that were read
    completeness.rows_loaded -- rows that the warehouse holds
from meta.completeness as completeness
where completeness.status = 'complete'
    and (
        completeness.rows_read <> completeness.total_count
        or coalesce(completeness.rows_loaded, 0) <> completeness.total_count
    )
order by completeness.workspace_id, completeness.entity
