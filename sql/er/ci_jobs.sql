-- Which jobs do the CI servers run?
-- source: octane.ci_job
-- grain: one job of a CI server
-- key: workspace_id, ci_job_id
-- relation: ci_server_id -> er.ci_servers.ci_server_id
select
    ci_job._workspace_id as workspace_id, -- workspace that the row belongs to
    ci_job.id as ci_job_id, -- id of the job in Octane
    ci_job.name as ci_job_name, -- name of the job
    ci_job.ci_id as ci_job_ci_id, -- name of the job on its CI server
    ci_job.ci_server_id, -- CI server that runs it
    ci_job.branch as branch_name, -- branch that it builds, where the CI server tells
    ci_job.creation_time as created_at, -- when it was created in Octane (UTC)
    ci_job.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.ci_job as ci_job
