-- Who can work in each workspace?
-- source: octane.workspace_user
-- grain: one user of a workspace
-- key: workspace_id, user_id
select
    workspace_user._workspace_id as workspace_id, -- workspace that the row belongs to
    workspace_user.id as user_id, -- id of the user in Octane
    workspace_user.name as user_name, -- login name
    workspace_user.full_name, -- first and last name
    workspace_user.email, -- mail address
    workspace_user.creation_time as created_at, -- when it was created in Octane (UTC)
    workspace_user.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.workspace_user as workspace_user
