"""Why some references of the field model have no relation in `er`: patterns of fields and reasons.

Nothing in, `UNDRAWN` and `UNDRAWN_COLUMNS` out; docs/er.md lists them, and tests say that none is
forgotten or stale.
"""

OTHER_SIDE = "the same relation from its other side, which is drawn there"
NOT_READ = "no question reads it"
OTHER_TYPE = "an entity type that no question is about"
SETTING = "how the item is planned or shown, not what it belongs to"
LIST_VALUE = "a list value that no question reads"
WHO = "who made or changed it; no question reads it"
SAME_LINKS = "the same links as those of a field that is drawn"
SAME_ROWS = "another name of rows that are drawn: application modules are product areas"

RESULTS = (
    "a build would have to count the references of all results; those of er.runs and "
    "er.previous_runs, of which the results are made, are drawn"
)

#: Columns of `er` that questions join by, and why they have no line.
UNDRAWN_COLUMNS = {
    "er.automated_results.run_id": RESULTS,
    "er.automated_results.test_id": RESULTS,
    "er.field_changes.entity_id": "what was changed can be of any entity type, so that no single "
    "table is its target",
}

#: By pattern of entity type and field; the first that matches counts.
UNDRAWN = {
    "bdd_spec.*": OTHER_TYPE,
    "ci_job.executor": OTHER_TYPE,
    "model.*": OTHER_TYPE,
    "model_folder.*": OTHER_TYPE,
    "process.*": OTHER_TYPE,
    "scm_repository.*": OTHER_TYPE,
    "scm_resource_file.*": OTHER_TYPE,
    "suite_run_scheduler.*": OTHER_TYPE,
    "suite_run_scheduler_run.*": OTHER_TYPE,
    "test_data_table.*": OTHER_TYPE,
    "test_runner.*": OTHER_TYPE,
    "uft_test_runner.*": OTHER_TYPE,
    "unit.*": OTHER_TYPE,
    "vulnerability.*": OTHER_TYPE,
    "application_module.*": SAME_ROWS,
    "*.application_modules": SAME_ROWS,
    "*.attachments": OTHER_SIDE,
    "*.comments": OTHER_SIDE,
    "*.children": OTHER_SIDE,
    "*.ci_builds": OTHER_SIDE,
    "*.ci_build": OTHER_SIDE,
    "*.nodes": OTHER_SIDE,
    "ci_server.pipeline": OTHER_SIDE,
    "pipeline.pipeline_run": OTHER_SIDE,
    "gherkin_automated_run.defect": OTHER_SIDE,
    "run_automated.defect": OTHER_SIDE,
    "run_manual.defect": OTHER_SIDE,
    "run_suite.defect": OTHER_SIDE,
    "*.dependence": OTHER_SIDE,
    "*.linked_items2": OTHER_SIDE,
    "gherkin_test.run": OTHER_SIDE,
    "test_automated.run": OTHER_SIDE,
    "test_manual.run": OTHER_SIDE,
    "test_suite.run": OTHER_SIDE,
    "user_tag.run": OTHER_SIDE,
    "run_suite.runs_in_suite": OTHER_SIDE,
    "run_manual.run_steps": OTHER_SIDE,
    "*.link_to_test": OTHER_SIDE,
    "*.link_to_test_suite": OTHER_SIDE,
    "list_node.list_nodes": OTHER_SIDE,
    "metaphase.phase": OTHER_SIDE,
    "phase.sub_phases": OTHER_SIDE,
    "*.requirements": OTHER_SIDE,
    "*.related_from_requirements": OTHER_SIDE,
    "defect.test": OTHER_SIDE,
    "feature.test": OTHER_SIDE,
    "story.test": OTHER_SIDE,
    "requirement_document.test": OTHER_SIDE,
    "team.team_members": OTHER_SIDE,
    "team.team_sprint_relation": OTHER_SIDE,
    "*.quality_stories": OTHER_SIDE,
    "*.backlog_coverage": OTHER_SIDE,
    "*.author": WHO,
    "*.last_modified_by": WHO,
    "*.modified_by": WHO,
    "*.assigned_to": WHO,
    "*.merged_on_it": WHO,
    "*.merged_on_it_id": WHO,
    "*.on_it": WHO,
    "run_history.owner": WHO,
    "run_suite.default_run_by": WHO,
    "run_history.pipeline_id": NOT_READ,
    "run_history.pipeline_run_id": NOT_READ,
    "*.owner_planning_info": SETTING,
    "planning_info.*": SETTING,
    "*.test_runner": SETTING,
    "*.releases": SETTING,
    "phase.master_phase": SETTING,
    "*.test_phase": NOT_READ,
    "*.agile_type": LIST_VALUE,
    "*.business_impact": LIST_VALUE,
    "*.business_value": LIST_VALUE,
    "*.defect_root_level": LIST_VALUE,
    "*.defect_type": LIST_VALUE,
    "*.epic_type": LIST_VALUE,
    "*.feature_type": LIST_VALUE,
    "*.item_type": LIST_VALUE,
    "*.problem": LIST_VALUE,
    "*.quality_story_type": LIST_VALUE,
    "*.rroe": LIST_VALUE,
    "*.run_mode": LIST_VALUE,
    "*.test_framework": LIST_VALUE,
    "*.test_level": LIST_VALUE,
    "*.test_type": LIST_VALUE,
    "*.testing_tool_type": LIST_VALUE,
    "*.time_criticality": LIST_VALUE,
    "defect.run_step": OTHER_SIDE,
    "team.members": SAME_LINKS,
    "test_manual.covering_automated_test": OTHER_SIDE,
    "test_suite_link_to_manual.covered_workitem": NOT_READ,
    "taxonomy_item_node.category": "the category's name stands in er.environments itself",
    "comment.mention_user": NOT_READ,
    "pipeline.current_model": NOT_READ,
    "pipeline.pipeline_model": NOT_READ,
    "pipeline.referral_pipeline": NOT_READ,
    "pipeline.root_job": NOT_READ,
    "pipeline.root_node": NOT_READ,
    "pipeline.run": NOT_READ,
    "pipeline.user_tags": NOT_READ,
    "pipeline_run.user_tags": NOT_READ,
    "product_area.program": NOT_READ,
    "release.programs": NOT_READ,
    "requirement_document.related_to_requirement": NOT_READ,
    "requirement_document.release": NOT_READ,
    "requirement_document.user_tags": NOT_READ,
    "requirement_folder.user_tags": NOT_READ,
    "requirement_root.user_tags": NOT_READ,
    "run_history.pipeline": NOT_READ,
    "run_manual.previous_release": NOT_READ,
    "run_suite.previous_release": NOT_READ,
    "team.programs": NOT_READ,
    "test_automated.covered_manual_test": NOT_READ,
    "workspace_role.role": NOT_READ,
}
