-- Which user tags are there?
-- source: octane.user_tag
-- grain: one user tag of a workspace
-- key: workspace_id, user_tag_id
select
    user_tag._workspace_id as workspace_id, -- workspace that the row belongs to
    user_tag.id as user_tag_id, -- id of the tag
    user_tag.name as user_tag_name, -- text of the tag
    user_tag.creation_time as created_at, -- when it was created in Octane (UTC)
    user_tag.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.user_tag as user_tag
