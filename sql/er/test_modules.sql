-- Which application modules is each test assigned to?
-- source: octane.test_manual__product_areas
-- source: octane.gherkin_test__product_areas
-- source: octane.test_automated__product_areas
-- source: octane.test_suite__product_areas
-- grain: one test of one application module
-- key: workspace_id, test_id, application_module_id
-- relation: test_id -> er.tests.test_id
-- relation: application_module_id -> er.application_modules.application_module_id
with all_links as (
    select
        link._workspace_id, link.source_id,
        'test_manual' as source_type,
        link.target_id, link.target_type
    from octane.test_manual__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'gherkin_test' as source_type,
        link.target_id, link.target_type
    from octane.gherkin_test__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_automated' as source_type,
        link.target_id, link.target_type
    from octane.test_automated__product_areas as link
    union all by name
    select
        link._workspace_id, link.source_id,
        'test_suite' as source_type,
        link.target_id, link.target_type
    from octane.test_suite__product_areas as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as test_id, -- test that is assigned
    link.source_type as test_type, -- kind of the test
    link.target_id as application_module_id -- application module that it is assigned to
from all_links as link
