-- Which builds of a CI server did Octane hear of?
-- source: octane.ci_build
-- grain: one build of a workspace
-- key: workspace_id, build_id
select
    ci_build._workspace_id as workspace_id, -- workspace that the row belongs to
    ci_build.id as build_id, -- id of the build in Octane
    ci_build.name as build_name, -- name or number that the CI server gave
    epoch_ms(ci_build.start_time) as started_at, -- when the build started (UTC)
    ci_build.duration as duration_ms, -- length of the build
    ci_build.status as build_status_label, -- state that Octane shows
    ci_build.result as build_result_label, -- result that the CI server reported
    ci_build.creation_time as created_at, -- when it was created in Octane (UTC)
    ci_build.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.ci_build as ci_build
