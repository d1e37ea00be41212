"""Dagster: the definitions load without a server, and everything materialises against one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dagster", reason="needs the extra dagster")

import dagster as dg
import yaml

import dagster_octane
from dagster_octane import action_jobs, schedules
from dagster_octane.asset_metadata import LAKE, REPORT, TABLE_MODELS, key
from dagster_octane.definitions import definitions
from dagster_octane.extract_assets import WORKSPACES, extract
from dagster_octane.parity_checks import CHECK, SUMMARY
from dagster_octane.resources import OctaneResource, errors_as_failures
from dagster_octane.warehouse_assets import build_warehouse, check_results
from octane_flows import refresh, warehouse
from octane_flows.actions import AuditLog, audit_path
from octane_flows.config import load_settings, load_site
from octane_flows.errors import AccessError, SignInError, UnavailableError, UsageError
from octane_flows.lake import CertificateRow, Lake
from octane_flows.parity import flows_with_requests
from octane_flows.warehouse import CheckResult
from octane_simulator import Running
from tests.e2e.support import environment_of, tiny_server
from tests.golden import kit

PROJECT = Path(__file__).resolve().parents[2]
TWO = ("1002", "1003")


def test_definitions_load_with_lineage_meanings_and_files() -> None:
    graph = definitions.resolve_asset_graph()
    flow = graph.get(dg.AssetKey(["flow", "modules_with_recent_failures"]))

    assert dg.AssetKey(["er", "last_runs"]) in flow.parent_keys
    assert graph.get(key("er.runs")).parent_keys >= {LAKE, key("octane.run_automated")}
    assert graph.get(key("octane.run_automated")).parent_keys == {LAKE}
    assert all(column.description for column in flow.metadata["dagster/column_schema"].columns)
    assert flow.freshness_policy is not None
    for model in TABLE_MODELS:
        [reference] = graph.get(key(model.name)).metadata["dagster/code_references"].code_references
        assert Path(reference.file_path).name == f"{model.slug}.sql"
        assert Path(reference.file_path).is_file()
    relations = flow.metadata["relations"].value
    assert "| `er.last_runs.run_id` | `er.runs` |" not in relations  # the flow does not read runs
    assert "| `er.test_module_ancestors.ancestor_application_module_id` |" in relations
    assert "erDiagram" in relations


def test_definitions_load_without_modules_that_only_a_step_needs() -> None:
    code = "import dagster_octane.definitions, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    loaded = set(done.stdout.split())
    assert done.stderr == ""
    assert {"dagster", "octane_flows.warehouse"} <= loaded
    assert not loaded & {"altair", "pandas", "octane_flows.extract", "octane_flows.reports"}


def test_schedules_are_off_by_default_and_actions_have_none() -> None:
    scheduled = {schedule.job_name for schedule in schedules.SCHEDULES}

    assert scheduled == {"update", "refresh", "cleanup"}
    assert {schedule.default_status.value for schedule in schedules.SCHEDULES} == {"STOPPED"}
    assert {sensor.default_status.value for sensor in schedules.SENSORS} == {"STOPPED"}
    assert {job.name for job in action_jobs.JOBS} == {
        f"write_back_{model.slug}" for model in TABLE_MODELS if model.schema == "plan"
    }


def test_checks_of_severity_error_stop_later_steps() -> None:
    blocking = {
        (spec.asset_key.to_user_string(), spec.name): spec.blocking
        for spec in (*build_warehouse.check_specs, *extract.check_specs)
    }

    assert blocking["lake/workspaces", "complete"]
    assert blocking["lake/workspaces", "counts_as_the_server"]
    assert blocking["er/tests", "key_and_references"]
    assert not blocking["er/last_runs", "last_runs_belong_to_their_test"]


@pytest.mark.parametrize(
    ("error", "is_repeated"),
    [
        (UnavailableError("No answer."), True),
        (UsageError("No server is named."), False),
        (SignInError("Refused."), False),
        (AccessError("The role is missing."), False),
    ],
)
def test_only_errors_that_a_repetition_can_cure_are_repeated(
    error: Exception, is_repeated: bool
) -> None:
    with pytest.raises(dg.Failure) as raised, errors_as_failures():
        raise error

    assert raised.value.allow_retries is is_repeated
    assert str(error) in (raised.value.description or "")


def test_a_fault_of_the_program_is_one_sentence_and_not_repeated() -> None:
    with pytest.raises(dg.Failure) as raised, errors_as_failures():
        raise ZeroDivisionError("our own fault")

    assert raised.value.allow_retries is False
    assert "itself has a fault (ZeroDivisionError)" in (raised.value.description or "")


def test_every_asset_materialises_with_rows_pages_and_bytes(
    demo_server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(demo_server, tmp_path).items():
        monkeypatch.setenv(name, value)

    result = definitions.resolve_job_def("refresh").execute_in_process()

    assert result.success
    events = result.get_asset_materialization_events()
    materialised = {event.asset_key for event in events}
    assert materialised == definitions.resolve_asset_graph().materializable_asset_keys
    assert materialised >= {LAKE, *(key(model.name) for model in TABLE_MODELS)}
    for event in events:
        metadata = event.materialization.metadata
        assert {"pages", "bytes", "as_of"} <= metadata.keys(), event.asset_key
        # a build does not count answers
        is_answer = event.materialization.asset_key.path[0] in ("flow", "metric", "plan")
        assert ("dagster/row_count" in metadata) != is_answer, event.asset_key
    [metadata] = [
        event.materialization.metadata
        for event in events
        if event.asset_key == key("flow.failed_automated_runs")
    ]
    lineage, schema = metadata["dagster/column_lineage"], metadata["dagster/column_schema"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    origins = lineage.column_lineage.deps_by_column["error_message"]
    assert dg.TableColumnDep(key("er.runs"), "error_message") in origins
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    [column] = [each for each in schema.schema.columns if each.name == "error_message"]
    assert (column.description or "").endswith("; from er.runs.error_message")
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(check.passed for check in checks)
    parity = [check for check in checks if check.check_name == CHECK]
    [summary] = [check for check in checks if check.check_name == SUMMARY]
    assert {check.asset_key.path[-1] for check in parity} == {
        flow.slug for flow in flows_with_requests()
    }
    assert {check.description for check in parity} == {"workspace 1002: equal"}
    assert summary.asset_key == REPORT
    assert re.fullmatch(r"(\d+) answers were compared: \1 equal", summary.description or "")
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
        partitions = instance.get_dynamic_partitions(str(WORKSPACES.name))
        first = lake.current()
        run("update", instance, asset_selection=[LAKE], partition_key="1003")
        second = lake.current()

    assert sorted(partitions) == list(TWO)
    materialised = [event.partition for event in done.get_asset_materialization_events()]
    assert materialised == [*TWO, None]
    assert first is not None
    assert second is not None
    assert (first.generation, second.generation) == (1, 2)
    read = {row.workspace for row in second.certificate if row.status == "complete"}
    assert read == {"1003"}
    assert {row.workspace for row in second.certificate} == set(TWO)


def test_no_run_reads_entity_types_that_the_settings_skip(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_SKIP", "defect, ci_build")
    choices = {"ops": {"extract": {"config": {"skip": ["epic"]}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        run("update", instance, asset_selection=[LAKE], run_config=choices)
    without = Lake(home / "lake").current()
    refresh.update_lake(load_settings(os.environ), only=["defect"])
    with_only = Lake(home / "lake").current()

    assert without is not None
    assert with_only is not None
    read = {row.entity for row in without.certificate}
    assert not {"defect", "ci_build", "epic"} & read
    assert "story" in read
    assert "defect" in {row.entity for row in with_only.certificate}


def test_a_new_generation_starts_a_build_once(home: Path) -> None:
    resources = {"octane": OctaneResource()}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, resources=resources)
        empty = schedules.new_generation(context)
        run("update", instance, asset_selection=[LAKE])
        newer = schedules.new_generation(context)
        run("build", instance)
        same = schedules.new_generation(context)

    assert isinstance(empty, dg.SkipReason)
    assert isinstance(newer, dg.RunRequest)
    assert (newer.run_key or "").startswith("1 of ")
    assert isinstance(same, dg.SkipReason)
    assert same.skip_message == "The warehouse has the newest generation, 1."


def test_an_action_is_a_dry_run_by_default(home: Path, two_workspaces: Running) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run("update", instance, asset_selection=[LAKE])
        warehouse.build(home)
        done = run("write_back_work_items_without_test_task", instance)

    [metadata] = [
        event.step_output_data.metadata
        for event in done.filter_events(lambda event: event.is_successful_output)
    ]
    rows = metadata["rows"]
    assert isinstance(rows, dg.TableMetadataValue)
    assert metadata["requests"].value == len(rows.records) > 0
    assert not audit_path(home).exists()


def test_an_action_without_dry_run_sends_its_requests_once(home: Path) -> None:
    job, config = "write_back_work_items_without_test_task", {"dry_run": False}
    choices = {"ops": {job.replace("write_back_", "act_on_"): {"config": config}}}
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
    return table_rows(metadata.get("rows"))


def table_rows(value: object) -> list[dict[str, Any]]:
    """The rows of a table in the metadata; none where there is no table."""
    if not isinstance(value, dg.TableMetadataValue):
        return []
    return [dict(record.data) for record in value.records]


def test_cleanup_keeps_the_run_that_materialised_last(home: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first, last = (run("update", instance, asset_selection=[LAKE]) for _ in range(2))
        run("cleanup", instance, run_config={"ops": {"forget_runs": {"config": {"keep_days": -1}}}})
        remembered = {each.run_id for each in instance.get_runs()}

    assert last.run_id in remembered
    assert first.run_id not in remembered


def test_nothing_starts_in_quiet_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTANE_QUIET_HOURS", "mon-fri 08:00-18:00")
    monkeypatch.setenv("OCTANE_TIME_ZONE", "Europe/Berlin")
    monkeypatch.setattr(schedules, "SITE", load_site(os.environ))
    monday_noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=monday_noon)
        answer = schedules.hourly(context)

    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "Quiet hours until Mon 18:00 (Europe/Berlin)."


def test_a_failed_blocking_check_publishes_nothing_and_shows_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    row = CertificateRow("1002", "defect", "defects", 5, 4, 1, 100, "complete")
    kit.write_lake(tmp_path, {}, certificate=[row])

    result = definitions.resolve_job_def("build").execute_in_process(raise_on_error=False)

    assert not result.success
    assert not warehouse.warehouse_path(tmp_path).exists()
    [failed] = [
        check
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    assert failed.check_name == "certificate_adds_up"
    assert "entity=defect" in str(failed.metadata["rows"])


def test_one_check_of_a_model_has_the_rows_of_all_its_references() -> None:
    results = [
        CheckResult("key:er.runs", "error", True, ""),
        CheckResult("relation:er.runs.test_id", "warn", False, "1 row", 1, ({"run_id": "7"},)),
        CheckResult("relation:er.runs.build_id", "warn", False, "2 rows", 2),
    ]

    [check] = [
        check
        for check in check_results(results)
        if check.asset_key == key("er.runs") and check.check_name == "key_and_references"
    ]

    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["violations"].value == 3
    assert table_rows(check.metadata["rows"]) == [
        {"check": "relation:er.runs.test_id", "row": "run_id=7"},
        {"check": "relation:er.runs.build_id", "row": "2 rows"},
    ]
    assert check.description == (
        "relation:er.runs.test_id: 1 row; relation:er.runs.build_id: 2 rows"
    )


def test_a_failed_key_blocks_also_where_references_only_warn() -> None:
    results = [
        CheckResult("key:er.runs", "error", False, "2 rows", 2),
        CheckResult("relation:er.runs.test_id", "warn", False, "1 row", 1),
    ]

    [check] = [each for each in check_results(results) if not each.passed]

    assert check.severity is dg.AssetCheckSeverity.ERROR


def test_the_instance_is_dagsters_own_and_reports_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    source = Path(dagster_octane.__file__).with_name("dagster.yaml")
    shutil.copy(source, tmp_path)

    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert type(instance.event_log_storage).__module__.startswith("dagster.")
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
    assert set(yaml.safe_load(source.read_text("utf-8"))) == {
        "telemetry",
        "nux",
        "freshness",
        "python_logs",
    }


def test_only_the_celery_launcher_uses_private_names_of_dagster() -> None:
    modules = Path(dagster_octane.__file__).parent.glob("*.py")
    users = {path.name for path in modules if "dagster._" in path.read_text("utf-8")}

    assert users == {"celery_workers.py"}
