-- Which requirement documents does each test cover?
-- source: octane.test_manual__covered_requirement
-- source: octane.gherkin_test__covered_requirement
-- source: octane.test_automated__covered_requirement
-- source: octane.test_suite__covered_requirement
-- grain: one requirement document that one test covers
-- key: workspace_id, test_id, requirement_id
-- relation: test_id -> er.tests.test_id
-- relation: requirement_id -> er.requirements.requirement_id
with all_links as (
    select
        link._workspace_id, link.source_id,
        'test_manual' as source_type,
        link.target_id, link.target_type
    from octane.test_manual__covered_requirement as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'gherkin_test' as source_type,
        link.target_id, link.target_type
    from octane.gherkin_test__covered_requirement as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_automated' as source_type,
        link.target_id, link.target_type
    from octane.test_automated__covered_requirement as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_suite' as source_type,
        link.target_id, link.target_type
    from octane.test_suite__covered_requirement as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as test_id, -- test that covers
    link.source_type as test_type, -- kind of the test
    link.target_id as requirement_id -- requirement document that is covered
from all_links as link
