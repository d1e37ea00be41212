-- As which user of each workspace did its newest extract sign in?
-- source: octane.workspace_user, meta.workspaces
-- grain: one workspace in which the signed-in user or API key is a user; none where it is not
-- key: workspace_id
-- relation: user_id -> er.users.user_id
select
    workspace_user._workspace_id as workspace_id, -- workspace that the user belongs to
    workspace_user.id as user_id, -- id of the signed-in user in this workspace
    workspace_user.name as user_name -- login name, or client id of an API key
from octane.workspace_user as workspace_user
-- the shared space has ids of its own for users: only the name is the same in the workspaces
join meta.workspaces as workspaces
    on workspaces.workspace_id = workspace_user._workspace_id
    and lower(workspaces.signed_in_user_name) = lower(workspace_user.name)
qualify row_number() over (
    partition by workspace_user._workspace_id order by workspace_user.id
) = 1
