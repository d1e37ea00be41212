-- Of which CI job is each build?
-- source: octane.ci_build__pipeline_node
-- grain: one CI job of one build
-- key: workspace_id, build_id, pipeline_node_id
-- relation: build_id -> er.builds.build_id
-- relation: pipeline_node_id -> er.pipeline_nodes.pipeline_node_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as build_id, -- build
    link.target_id as pipeline_node_id -- CI job that it is of
from octane.ci_build__pipeline_node as link
