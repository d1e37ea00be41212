"""Dagster: the definitions load without a server, and everything materialises against one."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from octane_flows.flows import list_flows
from octane_flows.simulator.server import Running
from pipelines.definitions import definitions
from pipelines.proof import CHECK
from tests.e2e.support import environment_of


def test_definitions_load_with_lineage_and_meanings() -> None:
    graph = definitions.resolve_asset_graph()
    flow = dg.AssetKey(["flow", "modules_with_recent_failures"])

    assert dg.AssetKey(["er", "last_runs"]) in graph.get(flow).parent_keys
    schema = graph.get(flow).metadata["dagster/column_schema"]
    assert all(column.description for column in schema.columns)


def test_everything_materialises_and_tells_its_cost(
    demo_server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(demo_server, tmp_path).items():
        monkeypatch.setenv(name, value)

    result = definitions.resolve_job_def("refresh").execute_in_process()

    assert result.success
    events = result.get_asset_materialization_events()
    made = {event.asset_key for event in events}
    assert made == definitions.resolve_asset_graph().get_all_asset_keys()
    for event in events:
        metadata = event.materialization.metadata
        assert {"dagster/row_count", "pages", "bytes", "as_of"} <= metadata.keys(), event.asset_key
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(check.passed for check in checks)
    proven = [check for check in checks if check.check_name == CHECK]
    assert {check.asset_key.path[-1] for check in proven} == {flow.slug for flow in list_flows()}
    assert {check.description for check in proven} == {"workspace 1002: equal"}
    assert (tmp_path / "report.html").exists()
