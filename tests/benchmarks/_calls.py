"""How the benchmarks call a flow whose defaults ask for the whole history of the workspace.

Nothing in, parameters as a person gives them day by day out; `flow_speed` calls the macros with
them, and the pandas peers answer the same question.
"""

from __future__ import annotations

from collections.abc import Mapping

RELEASE, PIPELINE = "Release 20", "pipeline 7"
MODULE = "Module 596"  # one of those that manual tests are assigned to
FAILED = "list_node.run_status.failed"
HOURS, DAYS = 24, 7
TEST_ID, ROOT_ID = "80", "30000001"
# no generated feature is in testing, and hardly one has nothing but stories that are done
FEATURE_PHASE = "phase.feature.inprogress"
DONE_PHASES = ("phase.story.inprogress", "phase.story.done")

CALLS: Mapping[str, Mapping[str, str | int]] = {
    "planned_runs": {"release_name": RELEASE},
    "release_runs_with_environments": {"release_name": RELEASE, "status_codes": FAILED},
    "manual_test_steps_and_attachments": {"test_id": TEST_ID},
    "reported_builds": {"pipeline_name": PIPELINE},
    "failed_automated_runs": {"hours": HOURS},
    "failed_previous_runs": {"days": DAYS},
    "manual_tests_without_run": {"application_module_name": MODULE},
    "tests_to_put_into_suite": {"application_module_name": MODULE},
    "features_with_done_stories": {
        "phase_codes": FEATURE_PHASE,
        "done_phase_codes": ",".join(DONE_PHASES),
    },
    "descendants_of_items": {"root_ids": ROOT_ID},
}


def arguments(slug: str) -> str:
    """The call's arguments in SQL."""
    values = CALLS.get(slug, {})
    return ", ".join(
        f"{name} := {value}" if isinstance(value, int) else f"{name} := '{value}'"
        for name, value in values.items()
    )
