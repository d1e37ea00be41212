-- Which CI servers report to Octane?
-- source: octane.ci_server
-- grain: one CI server of a workspace
-- key: workspace_id, ci_server_id
select
    ci_server._workspace_id as workspace_id, -- workspace that the row belongs to
    ci_server.id as ci_server_id, -- id of the CI server in Octane
    ci_server.name as ci_server_name, -- name of the CI server
    ci_server.instance_id as instance_code, -- id that the CI server gives itself in its reports
    ci_server.server_type as server_type_label, -- kind of the server, such as jenkins
    ci_server.url as server_url, -- address of the CI server
    ci_server.creation_time as created_at, -- when it was created in Octane (UTC)
    ci_server.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.ci_server as ci_server
