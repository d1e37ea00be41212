-- Which tests does each test suite contain, in which order?
-- source: octane.test_suite_link_to_manual
-- source: octane.test_suite_link_to_gherkin
-- source: octane.test_suite_link_to_automated
-- grain: one test in one test suite
-- key: workspace_id, suite_link_id
-- relation: test_suite_id -> er.tests.test_id
-- relation: test_id -> er.tests.test_id
with all_links as (
    select
        link._workspace_id, link.id, link.test_suite_id, link.test_id, link.test_type,
        link."order" as position_number, link.include_in_next_run
    from octane.test_suite_link_to_manual as link
    union all by name
    select
        link._workspace_id, link.id, link.test_suite_id, link.test_id, link.test_type,
        link."order" as position_number, link.include_in_next_run
    from octane.test_suite_link_to_gherkin as link
    union all by name
    select
        link._workspace_id, link.id, link.test_suite_id, link.test_id, link.test_type,
        link."order" as position_number, link.include_in_next_run
    from octane.test_suite_link_to_automated as link
)

select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.id as suite_link_id, -- id of the membership
    link.test_suite_id, -- test suite that contains the test
    link.test_id, -- test that is contained
    link.test_type, -- kind of that test
    link.position_number, -- place within the suite
    link.include_in_next_run as is_in_next_run -- whether the next suite run includes it
from all_links as link
