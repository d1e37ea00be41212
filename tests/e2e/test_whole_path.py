"""From the server to the answers, on the demo's data: complete, equal to REST, and readable."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from octane_flows import parity, refresh
from octane_flows.client import Octane
from octane_flows.config import Settings
from octane_flows.lake import Lake
from octane_flows.questions import list_questions
from octane_flows.status import print_status
from octane_simulator import Running
from octane_simulator.datasets import ci_history, demo_nightly

CASES = [
    ("planned_runs", {}),
    ("planned_runs", {"exclude_runs_inside_suites": "true"}),
    ("recent_failed_automated_tests", {}),
    ("recent_failed_automated_tests", {"hours": "720"}),
    ("modules_with_recent_failures", {}),
    ("modules_with_recent_failures", {"hours": "720", "only_automated": "true"}),
    ("open_high_severity_defects", {}),
    ("failed_previous_runs", {"days": "3"}),
    ("failed_previous_runs", {"days": "30"}),
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
def test_a_flow_names_the_same_ids_as_the_documented_request(
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

    assert compared.only_in_octane == compared.only_in_warehouse == frozenset()
    assert compared.rest_ids, "an empty answer proves nothing"


def test_every_real_result_is_a_run_or_a_previous_run(
    demo_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    row = demo_warehouse.execute(
        "select (select count(*) from octane.run_automated) "
        "+ (select count(*) from octane.run_history)"
    ).fetchone()

    assert row == (ci_history.RESULTS + len(demo_nightly.TESTS) * demo_nightly.NIGHTS,)


def test_the_certificate_adds_up(demo_refresh: refresh.RefreshReport) -> None:
    manifest = demo_refresh.extract.manifest

    assert [finding.text for finding in manifest.findings] == []
    assert {row.status for row in manifest.certificate} == {"complete"}
    for row in manifest.certificate:
        assert row.rows_read == row.total_count
        if row.is_history:
            continue
        assert row.rows_read == sum(file.rows for file in manifest.tables[row.entity].files)
    changes = [row for row in manifest.certificate if row.is_history]
    assert sum(row.rows_written for row in changes) == manifest.tables["history_log"].rows > 0


def test_all_models_are_there_and_all_checks_pass(demo_refresh: refresh.RefreshReport) -> None:
    built = demo_refresh.build

    assert [model.name for model in built.models if model.status != "available"] == []
    assert [check.name for check in built.checks if not check.passed] == []


def test_no_secret_is_in_any_file(demo_home: Path, demo_server: Running) -> None:
    secret = demo_server.client_secret.encode()
    files = [path for path in demo_home.rglob("*") if path.is_file()]

    assert len(files) > 50
    assert [path for path in files if secret in path.read_bytes()] == []


def test_the_report_needs_nothing_from_elsewhere(demo_home: Path) -> None:
    page = (demo_home / "report.html").read_text(encoding="utf-8")

    for flow in list_questions("flow"):
        assert f'id="{flow.slug}"' in page
    assert page.count("<svg") - page.count('<svg class="er"') == 11
    assert "Complete: " in page
    assert "<script src" not in page
    assert page.count("<link") == page.count('<link rel="icon" href="data:,">') == 1
    assert 'src="http' not in page


def test_what_was_asked_of_the_server_is_told_by_collection(
    demo_refresh: refresh.RefreshReport,
    demo_home: Path,
    demo_warehouse: duckdb.DuckDBPyConnection,
) -> None:
    requested = demo_warehouse.execute(
        "select sum(request_count), sum(received_bytes), sum(retry_count) from meta.politeness"
    ).fetchone()
    pages = demo_warehouse.execute(
        "select count(*) from meta.certificate as certificate "
        "join meta.politeness as politeness using (workspace_id, entity) "
        "where politeness.request_count >= certificate.page_count "
        "and politeness.received_bytes >= certificate.received_bytes "
        "and politeness.server_p95_ms > 0"
    ).fetchone()
    politeness = demo_refresh.extract.manifest.politeness
    lines = StringIO()
    print_status(demo_home, Lake(demo_home / "lake"), Console(file=lines, width=200))

    assert requested is not None
    assert (
        requested[0] < politeness["requests"]
    )  # sign-in, version and the list of workspaces aside
    assert (requested[1] <= politeness["bytes_received"], requested[2]) == (True, 0)
    certificate = demo_refresh.extract.manifest.certificate
    assert pages == (sum(not row.is_history for row in certificate),)
    histories = [
        counts for counts in politeness["collections"] if "history" in counts["collection"]
    ]
    assert [counts["requests"] for counts in histories] == [
        sum(row.pages for row in certificate if row.is_history)
    ]
    newest = Lake(demo_home / "lake").current()  # other tests may have extracted since
    assert newest is not None
    assert f"asked        {newest.politeness['requests']:,} requests" in lines.getvalue()
