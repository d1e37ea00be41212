"""Entity types and fields that programs use on live servers and the packaged field model lacks.

In: nothing. Out: raw definitions in the form of data/field_model.json, for entity_schema.py. Which
types and which of their fields exist is known from vendor tools; the other fields, and who may
write them, are the simulator's choice (see CHOICES.md).
"""

from __future__ import annotations

from typing import Any

from octane_simulator.model.extra_types import STAMPS, field_entry, type_entry

__all__ = ["LIVE_FIELDS", "LIVE_METHODS", "LIVE_TYPES"]

Fields = dict[str, dict[str, Any]]
_ALL = ["CREATE", "DELETE", "GET", "UPDATE"]
_NAME: Fields = {"name": field_entry(editable=True, required=True, max_length=255)}
_DESCRIPTION: Fields = {"description": field_entry("memo", editable=True)}


def _reference(*targets: str, **more: Any) -> dict[str, Any]:
    return field_entry("reference", targets=list(targets), editable=True, **more)


def _references(*targets: str, **more: Any) -> dict[str, Any]:
    return _reference(*targets, **{"multiple": True, "sortable": False, **more})


def _node(root: str) -> dict[str, Any]:
    return _reference("list_node", list_root=f"list_node.{root}")


def _text(**more: Any) -> dict[str, Any]:
    return field_entry(editable=True, **more)


_USER = _reference("workspace_user")
_WORK: Fields = {**_NAME, **_DESCRIPTION, "author": _USER, "owner": _USER, **STAMPS}


def _type(label: str, collection: str, fields: Fields, **more: Any) -> dict[str, Any]:
    methods = more.pop("methods", _ALL)
    return {**type_entry(label, collection, methods, fields), "listed": True, **more}


_MODEL: Fields = {**_WORK, "parent": _reference("model_folder")}
_PROCESS: Fields = {
    **_WORK,
    "phase": _reference("phase"),
    "parent_process": _reference("process"),
    "start_time": field_entry("date_time", editable=True),
    "end_time": field_entry("date_time", editable=True),
    "duration": field_entry("integer", editable=True),
}
_SCM_FILE: Fields = {
    **_NAME,
    "relative_path": _text(max_length=1024),
    "scm_repository": _reference("scm_repository"),
    **STAMPS,
}
_HIDDEN = {"listed": False}

LIVE_TYPES: dict[str, dict[str, Any]] = {
    # -- CI --
    "ci_job": _type("CI job", "ci_jobs", {
        **_NAME, "ci_id": _text(required=True), "ci_server": _reference("ci_server"),
        "parameters": field_entry("object", editable=True, sortable=False), "branch": _text(),
        "executor": _reference("test_runner", "uft_test_runner"), **STAMPS,
    }),
    "pipeline_model": _type("Pipeline model", "pipeline_models", {**_NAME, **STAMPS},
                            methods=["GET"]),
    "scm_repository": _type("SCM repository", "scm_repositories", {
        **_NAME, "url": _text(), "branch": _text(),
        "repository": _reference("scm_repository_root"), **STAMPS,
    }),
    "scm_repository_root": _type("SCM repository root", "scm_repository_roots", {
        **_NAME, "url": _text(), "scm_type": _text(), **STAMPS,
    }),
    "scm_resource_file": _type("SCM resource file", "scm_resource_files", _SCM_FILE),
    "test_data_table": _type("Test data table", "test_data_tables", _SCM_FILE),
    "scm_commit_pattern": _type("SCM commit pattern", "scm_commit_patterns", {
        "pattern": _text(required=True),
        "entity_type": _node("scm_commit_pattern_entity_type"),
        "applies_to": _node("commit_pattern.applies_to"), **STAMPS,
    }, **_HIDDEN),
    "pull_request": _type("Pull request", "pull_requests", {
        **_NAME, "external_id": _text(), "state": _text(), "url": _text(),
        "source_branch": _text(), "target_branch": _text(), "repository_url": _text(), **STAMPS,
    }, methods=["GET"], **_HIDDEN),
    "vulnerability": _type("Vulnerability", "vulnerabilities", {
        **_WORK, "severity": _node("severity"), "status": _node("vulnerabilities_status"),
        "tool_type": _node("securityTool"), "category": _text(), "package": _text(),
        "line": field_entry("integer", editable=True), "pipeline_node": _reference("pipeline_node"),
    }),
    # -- models, processes, specifications, schedules --
    "model_item": _type("Model item", "model_items", _MODEL),
    "unit": _type("Unit", "units", {
        **_MODEL, "phase": _reference("phase"), "automation_status": _node("automation_status"),
    }, subtype_of="model_item"),
    "model": _type("Model", "models", {**_MODEL, "phase": _reference("phase")},
                   subtype_of="model_item"),
    "model_folder": _type("Model folder", "model_folders", _MODEL, subtype_of="model_item"),
    "process": _type("Process", "processes", _PROCESS),
    **{
        name: _type(label, "", _PROCESS, methods=[], subtype_of="process")
        for name, label in (("process_action", "Manual action"),
                            ("process_auto_action", "Auto action"),
                            ("process_quality_gate", "Quality gate"))
    },
    "bdd_spec": _type("BDD specification", "bdd_specs", {
        **_WORK, "phase": _reference("phase"), "code_alignment": _node("spec_code_alignment"),
        "automation_status": _node("spec_auto_status"), "user_tags": _references("user_tag"),
    }),
    "suite_run_scheduler": _type("Suite run scheduler", "suite_run_schedulers", {
        **_WORK, "status": _node("scheduler_status"), "test": _reference("test_suite"),
        "release": _reference("release"), "milestone": _reference("milestone"),
    }),
    "suite_run_scheduler_run": _type("Suite run scheduler run", "suite_run_scheduler_runs", {
        **_WORK, "status": _node("schedule_run_status"),
        "suite_run_scheduler": _reference("suite_run_scheduler"),
        "start_time": field_entry("date_time", editable=True),
        "duration": field_entry("integer", editable=True), "general_run_status": _text(),
    }),
    # -- people and settings --
    "role": _type("Role", "roles", {**_NAME, "description": _text(), **STAMPS}, methods=["GET"]),
    "workspace_role": _type("Workspace role", "workspace_roles", {
        **_NAME, "role": _reference("role"), **STAMPS,
    }, methods=["GET"]),
    "user_role": _type("User role", "user_roles", {
        "user": _reference("workspace_user"), "role": _reference("role"), **STAMPS,
    }, methods=["GET"], **_HIDDEN),
    "entity_label": _type("Entity label", "entity_labels", {
        **_NAME, "entity_type": _text(), "plural_capitalized": _text(), "initials": _text(),
        "language": _text(), **STAMPS,
    }, methods=["GET"], **_HIDDEN),
    "form_layout": _type("Form layout", "form_layouts", {
        **_NAME, "entity": _text(), "is_default": field_entry("boolean", editable=True),
        "body_layout": field_entry("object", editable=True, sortable=False), **STAMPS,
    }, **_HIDDEN),
    "product": _type("Product", "products", {**_NAME, **_DESCRIPTION, **STAMPS}, **_HIDDEN),
}  # fmt: skip

_WORK_ITEM: Fields = {
    "time_in_current_phase": field_entry("integer", sortable=False),
    "phase_to_time_in_phase": field_entry("object", sortable=False),
    "last_runs": field_entry("object", sortable=False),
    "is_deleted_entity": field_entry("boolean", sortable=False),
}
_EXECUTOR: Fields = {
    "framework": _node("je.framework"),
    "ci_server": _reference("ci_server"),
    "ci_job": _reference("ci_job"),
    "scm_repository": _reference("scm_repository"),
}
# Fields in addition to those of the packaged model, by entity type.
LIVE_FIELDS: dict[str, Fields] = {
    **dict.fromkeys(("defect", "story", "quality_story", "feature", "epic"), _WORK_ITEM),
    **dict.fromkeys(("executor", "test_runner", "uft_test_runner"), _EXECUTOR),
    "pipeline": {
        "ci_server": field_entry("reference", targets=["ci_server"], editable=True, required=True,
                                 sortable=False),
        "root_job": field_entry("reference", targets=["ci_job"], sortable=False),
        "root_job_name": _text(),
        "root_node": field_entry("reference", targets=["pipeline_node"], sortable=False),
        "current_model": field_entry("reference", targets=["pipeline_model"], sortable=False),
        "pipeline_model": _references("pipeline_model"),
        # Every run of a pipeline is too long a list for an answer.
        "run": field_entry("reference", multiple=True, targets=["run_suite", "run_manual",
                           "run_automated", "gherkin_automated_run"], sortable=False,
                           selectable=False),
        "multi_branch_type": _text(),
    },
    "pipeline_node": {"ci_job": field_entry("reference", targets=["ci_job"]),
                      "name": field_entry(max_length=255)},
    "ci_build": {"ci_job": field_entry("reference", targets=["ci_job"]),
                 "build_ci_id": field_entry()},
    "metaphase": {"is_hidden": field_entry("boolean", editable=True)},
    "test_automated": {"covered_manual_test": _references("test_manual")},
    "comment": {"mention_user": _references("workspace_user")},
    "user_item": {"origin": field_entry("integer", editable=True),
                  "is_new": field_entry("boolean", editable=True)},
}  # fmt: skip
# Who may write entity types of the packaged model, where programs do more than it says.
LIVE_METHODS: dict[str, list[str]] = dict.fromkeys(
    ("user_item", "executor", "test_runner", "uft_test_runner"), _ALL
)
