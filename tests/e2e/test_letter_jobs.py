"""Letters in Dagster: off until switched on, silent until a place is set, once for stale data."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from dagster_octane.definitions import definitions
from dagster_octane.letter_jobs import SENSORS, letter_of_stale_data
from dagster_octane.resources import OctaneResource
from octane_flows.warehouse import build, load_models
from tests.golden import kit

FEW = [model for model in load_models() if model.name in ("er.releases", "er.sprints")]


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    subjects: list[str] = []

    def sink(environ: Any, start: Any) -> Any:
        subjects.append(json.loads(Request(environ).get_data())["subject"])
        return Response("")(environ, start)

    server = make_server("127.0.0.1", 0, sink)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OCTANE_WEBHOOK", f"http://127.0.0.1:{server.server_port}/")
    yield subjects
    server.shutdown()
    thread.join()
    server.server_close()


def stale(home: Path, as_of: datetime, cursor: str | None) -> str | None:
    """The sensor's cursor after a look at a warehouse of a moment; None: it skipped."""
    kit.write_lake(home, {}, as_of=as_of)
    build(home, models=FEW)
    context = dg.build_sensor_context(cursor=cursor, resources={"octane": OctaneResource()})
    result = letter_of_stale_data(context)
    return result.cursor if isinstance(result, dg.SensorResult) else None


def test_stale_data_is_told_once_and_again_when_it_is_recent(
    tmp_path: Path, posted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))
    old = datetime(2021, 1, 20, tzinfo=UTC)

    assert stale(tmp_path, old, None) == "stale"
    assert stale(tmp_path, old, "stale") is None
    assert stale(tmp_path, datetime.now(UTC), "stale") == "recent"
    assert posted == ["Octane: the data is stale", "Octane: the data is recent again"]


def test_sensors_are_off_and_the_job_is_silent_without_a_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCTANE_HOME", str(tmp_path))

    assert {sensor.default_status.value for sensor in SENSORS} == {"STOPPED"}
    assert definitions.get_job_def("letter").execute_in_process().success


def test_a_failed_run_is_told(posted: list[str]) -> None:
    @dg.op
    def fails() -> None:
        raise dg.Failure("the server did not answer")

    @dg.job(name="update")
    def job() -> None:
        fails()

    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="letter_of_failure",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
        SENSORS[1](context)

    assert posted == ["Octane: the run of update failed"]
