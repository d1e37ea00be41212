"""Which columns of a flow's answer show values that its documented requests' items hold themselves.

Nothing in; for each flow the columns with the REST fields that they show. `compare_values` asks for
these fields; docs/flows.md lists the columns.
"""

from __future__ import annotations

from collections.abc import Mapping

#: A column and the REST field that it shows; `field.part` is a part of the item referred to.
Shown = Mapping[str, str]

_PHASE: Shown = {"phase_label": "phase.name"}
_RELEASE: Shown = {"release_name": "release.name"}
_SPRINT: Shown = {"sprint_name": "sprint.name"}
_OWNER: Shown = {"owner_name": "owner.full_name"}
_TIMES: Shown = {"created_at": "creation_time", "modified_at": "last_modified"}
_CODE: Shown = {
    "component_name": "component",
    "package_name": "package",
    "class_name": "class_name",
}
_SEVERITY: Shown = {"severity_label": "severity.name"}
_DEFECT: Shown = {
    "defect_name": "name",
    **_PHASE,
    **_SEVERITY,
    **_RELEASE,
    **_OWNER,
    "modified_at": "last_modified",
}
_TEST: Shown = {"test_name": "name", **_OWNER}
_ITEM: Shown = {"work_item_name": "name", **_PHASE, **_RELEASE, **_SPRINT, **_OWNER}
_RUN: Shown = {"run_name": "name", "created_at": "creation_time"}

#: Fields of subtypes are not those of the collection of all kinds, so they are left out there.
SHOWN_VALUES: Mapping[str, Shown] = {
    "my_new_stories": {
        "story_name": "name", **_PHASE, **_RELEASE, **_SPRINT, **_OWNER,
        "story_point_count": "story_points", **_TIMES,
    },
    "my_opened_defects_to_test": {
        **_DEFECT, **_SPRINT, "qa_owner_name": "qa_owner.full_name", **_TIMES,
    },
    "comments_on_my_manual_tests": {
        "comment_html": "text", "author_name": "author.full_name", "test_name": "owner_test.name",
        **_TIMES,
    },
    "manual_test_steps_and_attachments": {
        "file_name": "name", "file_bytes": "size", "author_name": "author.full_name",
        "attached_at": "creation_time",
    },
    "my_gherkin_tests_to_automate": {
        **_TEST, "automation_status_label": "automation_status.name", **_PHASE, **_TIMES,
    },
    "planned_runs": {
        **_RUN, "test_name": "test.name", **_RELEASE, **_SPRINT,
        "run_by_name": "run_by.full_name",
    },
    "release_runs_with_environments": {
        **_RUN, "status_label": "status.name", "test_name": "test.name", **_RELEASE,
        "started_at": "started",
    },
    "tagged_automated_tests": {**_TEST},
    "recent_failed_automated_tests": {**_TEST},
    "modules_with_recent_failures": {
        "application_module_name": "name", "parent_name": "parent.name",
    },
    "features_with_recent_failures": {"feature_name": "name", **_PHASE, **_RELEASE, **_OWNER},
    "open_high_severity_defects": {**_DEFECT, "priority_label": "priority.name", **_TIMES},
    "closed_defects_of_failed_runs": {
        **_DEFECT, "fixed_at": "fixed_on", "closed_at": "closed_on",
    },
    "open_defects_of_passed_runs": {**_DEFECT, "fixed_at": "fixed_on"},
    "reported_builds": {"build_name": "name", "build_duration_ms": "duration"},
    "failed_automated_runs": {
        "test_name": "test.name", **_RELEASE, "started_at": "started",
        "created_at": "creation_time",
    },
    "failed_previous_runs": {
        "test_name": "test_name", "component_name": "test_component",
        "package_name": "test_package", "class_name": "test_class", "build_name": "build_name",
        "pipeline_name": "pipeline_name", "started_at": "run_started",
        "duration_ms": "run_duration", "error_type": "error_type",
        "error_message": "error_message", **_RELEASE,
    },
    "manual_tests_without_run": {**_TEST, **_PHASE},
    "tests_to_put_into_suite": {**_TEST, **_PHASE},
    "test_suites_without_run": {"test_suite_name": "name", **_OWNER},
    "work_items_without_test_task": {**_ITEM},
    "stories_with_completed_tasks": {**_ITEM},
    "features_with_done_stories": {"feature_name": "name", **_PHASE, **_RELEASE, **_OWNER},
    # items of one answer are of several collections, whose ids may be the same
    "user_defined_field_values": {},
    "descendants_of_items": {},
}  # fmt: skip
