-- Which CI jobs does each pipeline consist of?
-- source: octane.pipeline_node
-- grain: one CI job of a pipeline
-- key: workspace_id, pipeline_node_id
-- relation: pipeline_id -> er.pipelines.pipeline_id
select
    pipeline_node._workspace_id as workspace_id, -- workspace that the row belongs to
    pipeline_node.id as pipeline_node_id, -- id of the CI job in its pipeline
    pipeline_node.pipeline_id, -- pipeline that it is part of
    pipeline_node.creation_time as created_at, -- when it was created in Octane (UTC)
    pipeline_node.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.pipeline_node as pipeline_node
