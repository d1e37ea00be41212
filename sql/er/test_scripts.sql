-- What do the scripts of manual and Gherkin tests say?
-- source: octane.test_script
-- grain: the script of one test
-- key: workspace_id, test_id
-- relation: test_id -> er.tests.test_id
select
    script._workspace_id as workspace_id, -- workspace that the row belongs to
    script.id as test_id, -- test whose script it is
    script.type as test_type, -- kind of that test
    script.script as script_text, -- the script as it was written
    script.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.test_script as script
