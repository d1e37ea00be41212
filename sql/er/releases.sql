-- Which releases are there?
-- source: octane.release
-- grain: one release of a workspace
-- key: workspace_id, release_id
select
    release._workspace_id as workspace_id, -- workspace that the row belongs to
    release.id as release_id, -- id of the release
    release.name as release_name, -- name of the release
    coalesce(release.is_default, false)
        as is_default, -- whether it is marked as the one that Octane takes where none is named
    coalesce(release.is_default, false)
        and row_number() over (
            partition by release._workspace_id, release.is_default
            order by cast(release.id as bigint) desc
        ) = 1 as is_newest_default, -- whether it is the newest of those that are marked so
    release.start_date as start_at, -- planned start (UTC)
    release.end_date as end_at, -- planned end (UTC)
    release.creation_time as created_at, -- when it was created in Octane (UTC)
    release.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.release as release
