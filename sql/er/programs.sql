-- Which programs are there?
-- source: octane.program
-- grain: one program of a workspace
-- key: workspace_id, program_id
select
    program._workspace_id as workspace_id, -- workspace that the row belongs to
    program.id as program_id, -- id of the program
    program.name as program_name, -- name of the program
    program.creation_time as created_at, -- when it was created in Octane (UTC)
    program.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.program as program
