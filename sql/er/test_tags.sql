-- Which user tags does each test carry?
-- source: octane.test_manual__user_tags
-- source: octane.gherkin_test__user_tags
-- source: octane.test_automated__user_tags
-- source: octane.test_suite__user_tags
-- grain: one tag of one test
-- key: workspace_id, test_id, user_tag_id
-- relation: test_id -> er.tests.test_id
-- relation: user_tag_id -> er.user_tags.user_tag_id
with all_links as (
    select
        link._workspace_id, link.source_id,
        'test_manual' as source_type,
        link.target_id, link.target_type
    from octane.test_manual__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'gherkin_test' as source_type,
        link.target_id, link.target_type
    from octane.gherkin_test__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_automated' as source_type,
        link.target_id, link.target_type
    from octane.test_automated__user_tags as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_suite' as source_type,
        link.target_id, link.target_type
    from octane.test_suite__user_tags as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as test_id, -- test that carries the tag
    link.source_type as test_type, -- kind of the test
    link.target_id as user_tag_id -- tag that it carries
from all_links as link
