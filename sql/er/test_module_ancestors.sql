-- Which application modules does each test belong to, those that contain its own ones included?
-- source: er.test_modules, er.application_modules, er.application_module_ancestors
-- grain: one application module of one test, with one module that is it or contains it
-- key: workspace_id, test_id, application_module_id, ancestor_application_module_id
-- relation: test_id -> er.tests.test_id
-- relation: application_module_id -> er.application_modules.application_module_id
-- relation: ancestor_application_module_id -> er.application_modules.application_module_id
select
    test_modules.workspace_id, -- workspace that the row belongs to
    test_modules.test_id, -- test that is assigned
    test_modules.test_type, -- kind of the test
    test_modules.application_module_id, -- application module that it is assigned to
    modules.application_module_name, -- name of the application module
    ancestors.ancestor_application_module_id, -- the module itself, or one that contains it
    ancestors.ancestor_name, -- name of that one
    ancestors.is_itself -- whether that one is the module itself
from er.test_modules as test_modules
join er.application_modules as modules
    on modules.workspace_id = test_modules.workspace_id
    and modules.application_module_id = test_modules.application_module_id
join er.application_module_ancestors as ancestors
    on ancestors.workspace_id = modules.workspace_id
    and ancestors.application_module_id = modules.application_module_id
