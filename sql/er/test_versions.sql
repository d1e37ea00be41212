-- Which versions does each test have?
-- source: octane.test_version
-- grain: one version of a test
-- key: workspace_id, test_version_id
-- relation: test_id -> er.tests.test_id
select
    test_version._workspace_id as workspace_id, -- workspace that the row belongs to
    test_version.id as test_version_id, -- id of the version
    test_version.name as test_version_name, -- name of the version
    test_version.test_id, -- test whose version it is
    test_version.is_external, -- whether it comes from outside of Octane
    test_version.creation_time as created_at, -- when it was created in Octane (UTC)
    test_version.last_modified as modified_at -- when it last changed in Octane (UTC)
from octane.test_version as test_version
