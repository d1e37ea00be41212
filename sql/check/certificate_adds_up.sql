-- Was every row read that the server counted, and are as many loaded as the lake says it holds?
-- check: error
select
    completeness.workspace_id, -- workspace that was read
    completeness.entity, -- entity type that was read
    completeness.total_count, -- rows that the server counted
    completeness.rows_read, -- rows that were read
    completeness.rows_held, -- rows that the lake holds, where it knows
    completeness.rows_loaded -- rows that the warehouse holds
from meta.completeness as completeness
where completeness.status = 'complete'
    and (
        completeness.rows_read <> completeness.total_count
        or coalesce(completeness.rows_loaded, 0) <> completeness.rows_held
    )
order by completeness.workspace_id, completeness.entity
