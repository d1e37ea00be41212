"""Dagster: the definitions load without a server, and everything materialises against one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from dagster_octane import action_jobs, schedules
from dagster_octane.asset_metadata import LAKE, TABLE_MODELS, key
from dagster_octane.definitions import definitions
from dagster_octane.extract_assets import WORKSPACES, extract
from dagster_octane.parity_checks import CHECK
from dagster_octane.resources import OctaneResource, one_sentence
from dagster_octane.warehouse_assets import build_warehouse
from octane_flows import refresh, warehouse
from octane_flows.actions import AuditLog, audit_path
from octane_flows.config import load_settings, load_site
from octane_flows.errors import AccessError, SignInError, UnavailableError, UsageError
from octane_flows.lake import CertificateRow, Lake
from octane_flows.questions import list_flows
from octane_simulator import Running
from tests.e2e.support import environment_of, tiny_server
from tests.golden import kit

PROJECT = Path(__file__).resolve().parents[2]
TWO = ("1002", "1003")
TABLE = dg.TableMetadataValue


def test_definitions_load_with_lineage_meanings_and_files() -> None:
    graph = definitions.resolve_asset_graph()
    flow = graph.get(dg.AssetKey(["flow", "modules_with_recent_failures"]))

    assert dg.AssetKey(["er", "last_runs"]) in flow.parent_keys
    assert all(column.description for column in flow.metadata["dagster/column_schema"].columns)
    assert flow.freshness_policy is not None
    for model in TABLE_MODELS:
        [reference] = graph.get(key(model.name)).metadata["dagster/code_references"].code_references
        assert Path(reference.file_path).name == f"{model.slug}.sql"
        assert Path(reference.file_path).is_file()


def test_definitions_load_without_what_one_step_alone_needs() -> None:
    code = "import dagster_octane.definitions, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert done.stderr == ""
    assert {"dagster", "octane_flows.warehouse"} <= loaded
    assert not loaded & {"httpx", "altair", "pandas", "octane_flows.client", "octane_flows.extract"}


def test_everything_is_switched_on_by_hand_and_actions_have_no_schedule() -> None:
    scheduled = {schedule.job_name for schedule in schedules.SCHEDULES}

    assert scheduled == {"update", "refresh", "upkeep"}
    assert {one.default_status.value for one in schedules.SCHEDULES} == {"STOPPED"}
    assert {one.default_status.value for one in schedules.SENSORS} == {"STOPPED"}
    assert {job.name for job in action_jobs.JOBS} == {
        f"act_{model.slug}" for model in TABLE_MODELS if model.schema == "plan"
    }


def test_checks_of_severity_error_stop_what_comes_after() -> None:
    blocking = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking
        for spec in (*build_warehouse.check_specs, *extract.check_specs)
    }

    assert blocking["lake/workspaces", "complete"]
    assert blocking["lake/workspaces", "counts_as_the_server"]
    assert blocking["er/tests", "key"]
    assert not blocking["er/tests", "references"]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (UnavailableError("No answer."), True),
        (UsageError("No server is named."), False),
        (SignInError("Refused."), False),
        (AccessError("The role is missing."), False),
        (ZeroDivisionError("one of ours"), False),
    ],
)
def test_only_what_a_repetition_can_cure_is_repeated(error: Exception, again: bool) -> None:
    with pytest.raises(dg.Failure) as raised, one_sentence():
        raise error

    assert raised.value.allow_retries is again
    assert str(error) in (raised.value.description or "")


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
    [told] = [
        event.materialization.metadata
        for event in events
        if event.asset_key == key("flow.failed_automated_runs")
    ]
    lineage, schema = told["dagster/column_lineage"], told["dagster/column_schema"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    made_of = lineage.column_lineage.deps_by_column["error_message"]
    assert dg.TableColumnDep(key("er.runs"), "error_message") in made_of
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    [column] = [one for one in schema.schema.columns if one.name == "error_message"]
    assert (column.description or "").endswith("; from er.runs.error_message")
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(check.passed for check in checks)
    proven = [check for check in checks if check.check_name == CHECK]
    assert {check.asset_key.path[-1] for check in proven} == {flow.slug for flow in list_flows()}
    assert {check.description for check in proven} == {"workspace 1002: equal"}
    assert (tmp_path / "report.html").exists()


@pytest.fixture(scope="module")
def two_workspaces() -> Iterator[Running]:
    with tiny_server(TWO) as running:
        yield running


@pytest.fixture
def home(two_workspaces: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    environment = {**environment_of(two_workspaces, tmp_path), "OCTANE_WORKSPACES": "all"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def run(job: str, instance: dg.DagsterInstance, **choices: Any) -> dg.ExecuteInProcessResult:
    done = definitions.resolve_job_def(job).execute_in_process(instance=instance, **choices)
    assert done.success
    return done


def test_workspaces_are_partitions_that_one_run_reads_into_one_generation(home: Path) -> None:
    lake = Lake(home / "lake")
    with dg.DagsterInstance.ephemeral() as instance:
        done = run("update", instance, asset_selection=[LAKE])
        known = instance.get_dynamic_partitions(str(WORKSPACES.name))
        first = lake.current()
        run("update", instance, asset_selection=[LAKE], partition_key="1003")
        second = lake.current()

    assert sorted(known) == list(TWO)
    partitions = [event.partition for event in done.get_asset_materialization_events()]
    assert partitions == [*TWO, None]
    assert first is not None
    assert second is not None
    assert (first.generation, second.generation) == (1, 2)
    read = {row.workspace for row in second.certificate if row.status == "complete"}
    assert read == {"1003"}
    assert {row.workspace for row in second.certificate} == set(TWO)


def test_what_the_settings_skip_is_read_by_no_run_unless_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_SKIP", "defect, ci_build")
    choices = {"ops": {"extract": {"config": {"skip": ["epic"]}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        run("update", instance, asset_selection=[LAKE], run_config=choices)
    without = Lake(home / "lake").current()
    refresh.extract(load_settings(os.environ), only=["defect"])
    asked = Lake(home / "lake").current()

    assert without is not None
    assert asked is not None
    read = {row.entity for row in without.certificate}
    assert not {"defect", "ci_build", "epic"} & read
    assert "story" in read
    assert "defect" in {row.entity for row in asked.certificate}


def test_a_new_generation_starts_a_build_once(home: Path) -> None:
    resources = {"octane": OctaneResource()}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources=resources)
        empty = schedules.new_generation(context)
        run("update", instance, asset_selection=[LAKE])
        asked = schedules.new_generation(context)
        run("build", instance)
        built = schedules.new_generation(context)

    assert isinstance(empty, dg.SkipReason)
    assert isinstance(asked, dg.RunRequest)
    assert (asked.run_key or "").startswith("1 of ")
    assert isinstance(built, dg.SkipReason)
    assert "generation 1" in (built.skip_message or "")


def test_an_action_is_a_dry_run_unless_told_otherwise(home: Path, two_workspaces: Running) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run("update", instance, asset_selection=[LAKE])
        warehouse.build(home)
        done = run("act_work_items_without_test_task", instance)

    [shown] = [
        event.step_output_data.metadata
        for event in done.filter_events(lambda event: event.is_successful_output)
    ]
    rows = shown["rows"]
    assert isinstance(rows, dg.TableMetadataValue)
    assert shown["requests"].value == len(rows.records) > 0
    assert not audit_path(home).exists()


def test_an_action_that_is_told_to_sends_its_requests_once(home: Path) -> None:
    job, told = "act_work_items_without_test_task", {"dry_run": False}
    choices = {"ops": {job.replace("act_", "act_on_"): {"config": told}}}
    with dg.DagsterInstance.ephemeral() as instance:
        run("update", instance, asset_selection=[LAKE])
        warehouse.build(home)
        planned = rows_of(run(job, instance))
        first = rows_of(run(job, instance, run_config=choices))
        audit = AuditLog(audit_path(home)).read()
        again = rows_of(run(job, instance, run_config=choices))
        run("update", instance, asset_selection=[LAKE])
        warehouse.build(home)
        nothing = rows_of(run(job, instance))

    assert planned
    assert [row["verdict"] for row in first] == ["done"] * len(planned)
    assert len(again) == len(planned)
    assert {row["verdict"] for row in again} == {"already"}
    assert nothing == []
    events = [record["event"] for record in audit]
    assert events.count("verdict") == len(planned)


def rows_of(done: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    """The rows in the metadata of an action's output."""
    [metadata] = [
        event.step_output_data.metadata
        for event in done.filter_events(lambda event: event.is_successful_output)
    ]
    rows = metadata.get("rows")
    return [dict(one.data) for one in rows.records] if isinstance(rows, TABLE) else []


def test_upkeep_runs_on_what_is_there(home: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run("update", instance, asset_selection=[LAKE])
        done = run("upkeep", instance)

    assert done.success


def test_quiet_hours_leave_a_tick_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANE_QUIET_HOURS", "mon-fri 08:00-18:00")
    monkeypatch.setenv("OCTANE_TIME_ZONE", "Europe/Berlin")
    monkeypatch.setattr(schedules, "SITE", load_site(os.environ))
    monday_noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=monday_noon)
        answer = schedules.hourly(context)

    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "Quiet hours until Mon 18:00 (Europe/Berlin)."


def test_a_blocking_check_that_fails_keeps_the_former_warehouse_and_shows_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    row = CertificateRow("1002", "defect", "defects", 5, 4, 1, 100, "complete")
    kit.write_lake(tmp_path, {}, certificate=[row])

    result = definitions.resolve_job_def("build").execute_in_process(raise_on_error=False)

    assert not result.success
    assert not warehouse.warehouse_path(tmp_path).exists()
    [failed] = [
        one
        for one in result.get_asset_check_evaluations()
        if not one.passed and one.severity is dg.AssetCheckSeverity.ERROR
    ]
    assert failed.check_name == "certificate_adds_up"
    assert "entity=defect" in str(failed.metadata["rows"])
