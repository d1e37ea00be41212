-- Which user tags does each run carry?
-- source: octane.run_automated__user_tags
-- source: octane.gherkin_automated_run__user_tags
-- source: octane.run_manual__user_tags
-- source: octane.run_suite__user_tags
-- grain: one user tag of one run
-- key: workspace_id, run_id, user_tag_id
-- relation: run_id -> er.runs.run_id
-- relation: user_tag_id -> er.user_tags.user_tag_id
with all_links as (
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_automated__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.gherkin_automated_run__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_manual__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id, link.target_id, link.target_type
    from octane.run_suite__user_tags as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as run_id, -- run that carries the tag
    link.target_id as user_tag_id -- tag that it carries
from all_links as link
