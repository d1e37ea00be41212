-- Which tests is each quality story about?
-- source: octane.quality_story__linked_tests
-- grain: one test of one quality story
-- key: workspace_id, work_item_id, test_id
-- relation: work_item_id -> er.work_items.work_item_id
-- relation: test_id -> er.tests.test_id
select
    link._workspace_id as workspace_id, -- workspace that the row belongs to
    link.source_id as work_item_id, -- quality story
    link.target_id as test_id -- test that it is about
from octane.quality_story__linked_tests as link
