"""Flows 13 to 25 on the demo's data name the ids that their documented requests lead to."""

from __future__ import annotations

import duckdb
import pytest

from octane_flows.config import Settings
from octane_flows.flows import parity
from octane_flows.octane import Octane
from octane_flows.simulator.server import Running

CASES = [
    ("closed_defects_of_failed_runs", {}),
    ("closed_defects_of_failed_runs", {"in_one_run": "false"}),
    ("open_defects_of_passed_runs", {}),
    ("open_defects_of_passed_runs", {"only_newest_runs": "true"}),
    ("reported_builds", {"since": "2021-01-01"}),
    ("failed_automated_runs", {}),
    ("failed_automated_runs", {"hours": "72", "only_without_defect": "true"}),
    ("failed_automated_runs", {"application_module_name": "Foundation", "subtree": "true"}),
    ("failed_automated_runs", {"environment_name": "*clang*"}),
    ("manual_tests_without_run", {"release_name": "*", "test_types": "test_manual,gherkin_test"}),
    ("tests_to_put_into_suite", {}),
    ("tests_to_put_into_suite", {"application_module_name": "Found*", "subtree": "true"}),
    ("test_suites_without_run", {"release_name": "*"}),
    ("work_items_without_test_task", {}),
    ("work_items_without_test_task", {"work_item_types": "story,defect", "exclude_done": "true"}),
    ("stories_with_completed_tasks", {}),
    ("stories_with_completed_tasks", {"work_item_types": "story,quality_story,defect"}),
    ("features_with_done_stories", {}),
    ("descendants_of_items", {}),
    ("descendants_of_items", {"max_depth": "2"}),
    ("descendants_of_items", {"tree": "requirement"}),
]


@pytest.mark.parametrize(("slug", "parameters"), CASES, ids=lambda one: str(one))
def test_a_flow_names_the_ids_that_its_requests_lead_to(
    slug: str,
    parameters: dict[str, str],
    demo_settings: Settings,
    demo_warehouse: duckdb.DuckDBPyConnection,
    demo_server: Running,
) -> None:
    with Octane(demo_settings) as octane:
        compared = parity.compare(
            octane.workspace(demo_server.workspace), demo_warehouse, slug, parameters
        )

    assert compared.missing == compared.extra == frozenset()
    assert compared.rest_ids, "an empty answer proves nothing"
