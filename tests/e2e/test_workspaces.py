"""One run for each workspace: what sensor and schedules request, and how a dead worker shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

pytest.importorskip("dagster_celery", reason="needs the extra distributed")

import dagster as dg
from dagster._core.launcher import WorkerStatus
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from dagster_octane import workspace_jobs
from dagster_octane.celery_workers import WorkerLauncher
from dagster_octane.extract_assets import WORKSPACES
from dagster_octane.resources import OctaneResource
from dagster_octane.workspace_jobs import PARTITION_TAG
from tests.e2e.support import environment_of, tiny_server

TWO = ("1002", "1003")
MONDAY_NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        yield instance


def census_requests(instance: dg.DagsterInstance) -> list[dg.RunRequest] | dg.SkipReason:
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=MONDAY_NOON)
    answer = workspace_jobs.daily_census_by_workspace(context)
    assert isinstance(answer, list | dg.SkipReason)
    return answer


def test_new_workspaces_are_loaded_once(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tiny_server(TWO) as server:
        settings = {**environment_of(server, tmp_path), "OCTANE_WORKSPACES": "all"}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        result = workspace_jobs.new_workspaces(dg.build_sensor_context(instance=instance))
        assert isinstance(result, dg.SensorResult)
        [added] = result.dynamic_partitions_requests or []
        instance.add_dynamic_partitions(str(WORKSPACES.name), list(added.partition_keys))
        again = workspace_jobs.new_workspaces(
            dg.build_sensor_context(instance=instance, cursor=result.cursor)
        )

    assert [request.partition_key for request in result.run_requests or []] == list(TWO)
    assert isinstance(again, dg.SkipReason)
    assert not (tmp_path / "lake").exists()


def test_each_workspace_without_an_active_run_gets_a_run(instance: dg.DagsterInstance) -> None:
    assert isinstance(census_requests(instance), dg.SkipReason)
    instance.add_dynamic_partitions(str(WORKSPACES.name), [*TWO, "1004"])
    run = dg.DagsterRun("extract_workspace", tags={PARTITION_TAG: "1003"})
    instance.add_run(run.with_status(dg.DagsterRunStatus.STARTED))

    requests = census_requests(instance)

    assert isinstance(requests, list)
    assert [request.partition_key for request in requests] == ["1002", "1004"]
    assert {request.run_config["ops"]["extract"]["config"]["mode"] for request in requests} == {
        "census"
    }


def test_nothing_starts_in_quiet_hours(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace_jobs, "until_quiet_hours_end", lambda now: "Quiet hours.")
    instance.add_dynamic_partitions(str(WORKSPACES.name), TWO)

    for answer in (
        census_requests(instance),
        workspace_jobs.new_workspaces(dg.build_sensor_context(instance=instance)),
    ):
        assert isinstance(answer, dg.SkipReason)
        assert answer.skip_message == "Quiet hours."


def test_all_are_off_by_default() -> None:
    assert {schedule.default_status.value for schedule in workspace_jobs.SCHEDULES} == {"STOPPED"}
    status = {sensor.name: sensor.default_status.value for sensor in workspace_jobs.SENSORS}
    assert status == {"workspace_partitions": "RUNNING", "new_workspaces": "STOPPED"}


def test_the_workspaces_of_the_settings_are_partitions_before_anything_runs(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = "https://octane.example.com"  # nobody asks it
    settings = {
        "OCTANE_URL": server,
        "OCTANE_SHARED_SPACE": "1001",
        "OCTANE_CLIENT_ID": "id",
        "OCTANE_CLIENT_SECRET": "secret",
        "OCTANE_WORKSPACES": "1003,1002",
        "OCTANE_HOME": str(tmp_path),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    resources = {"octane": OctaneResource()}

    def evaluated() -> object:
        context = dg.build_sensor_context(instance=instance, resources=resources)
        return workspace_jobs.workspace_partitions(context)

    result = evaluated()
    assert isinstance(result, dg.SensorResult)
    [added] = result.dynamic_partitions_requests or []
    assert list(added.partition_keys) == ["1002", "1003"]
    assert not result.run_requests
    instance.add_dynamic_partitions(str(WORKSPACES.name), list(added.partition_keys))
    assert isinstance(evaluated(), dg.SkipReason)


def test_a_site_without_settings_gets_no_error_from_the_sensor(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path / "none"))
    context = dg.build_sensor_context(instance=instance, resources={"octane": OctaneResource()})

    answer = workspace_jobs.workspace_partitions(context)

    assert isinstance(answer, dg.SkipReason)
    assert "OCTANE_URL" in (answer.skip_message or "")


class Answers:
    """Workers that answer, and whether they hold the task; stands for Celery's `inspect`."""

    def __init__(self, **holds: bool) -> None:
        self._holds = holds
        self._destination: list[str] | None = None

    def inspect(self, destination: list[str] | None, timeout: float) -> Answers:
        self._destination = destination
        return self

    def query_task(self, tasks: list[str]) -> dict[str, dict[str, str]] | None:
        answers = {
            name: dict.fromkeys(tasks, "active") if holds else {}
            for name, holds in self._holds.items()
            if self._destination in (None, [name])
        }
        return answers or None  # nobody answered in time


@pytest.mark.parametrize(
    ("answers", "state", "status"),
    [
        (Answers(one=True), "STARTED", WorkerStatus.RUNNING),
        (Answers(two=True), "STARTED", WorkerStatus.FAILED),  # its own worker is silent
        (Answers(one=False), "STARTED", WorkerStatus.FAILED),  # it answers, but has lost the run
        (Answers(), "SUCCESS", WorkerStatus.SUCCESS),
        (Answers(two=True), "PENDING", WorkerStatus.RUNNING),  # the backend was emptied
        (Answers(two=False), "PENDING", WorkerStatus.UNKNOWN),
    ],
)
def test_a_run_is_as_healthy_as_its_worker_says(
    answers: Answers, state: str, status: WorkerStatus
) -> None:
    launcher = WorkerLauncher("dagster", broker="memory://", backend="cache+memory://")
    launcher.celery.control = answers
    task = str(uuid4())
    if state != "PENDING":
        launcher.celery.backend.store_result(task, {"hostname": "one"}, state)
    run = dg.DagsterRun("extract_workspace", tags={DAGSTER_CELERY_TASK_ID_TAG: task})

    assert launcher.check_run_worker_health(run).status is status
