"""Extracts into a bucket of a real S3 server: first load, refresh, census, kill, build, as of."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from octane_flows.client.transport import Request
from octane_flows.config import LakePlace, Secret
from octane_flows.doctor import Diagnosis, examine
from octane_flows.lake import BucketStorage, Lake, open_lake
from octane_flows.warehouse import build, connect, load_models
from octane_flows.warehouse.warehouse_as_of import connect_as_of
from octane_simulator import Simulator
from tests.small import START, SmallTransport, run_extract

DEFECTS = 20
FEW = [model for model in load_models() if model.name in ("er.releases", "er.sprints")]


@pytest.fixture
def simulator() -> Simulator:
    """Twenty defects of an hour ago."""
    simulator = Simulator(clock=START)
    for number in range(DEFECTS):
        simulator.store.insert("defect", {"name": f"d{number}"})
    simulator.clock.advance(timedelta(hours=1))
    return simulator


class Killed(BaseException):
    """The process ends here."""


def names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.sql("select name from octane.defect").fetchall()]


def built(home: Path, lake: Lake) -> list[str]:
    build(home, lake=lake, models=FEW)
    with connect(home) as connection:
        return names(connection)


def test_what_a_killed_extract_read_is_dropped_when_another_machine_published_meanwhile(
    bucket: LakePlace, tmp_path: Path
) -> None:
    simulator = Simulator(clock=START, workspaces=["1002", "1003"])
    first = simulator.store.insert("defect", {"name": "old"})
    simulator.clock.advance(timedelta(hours=1))
    here, there = tmp_path / "here", tmp_path / "there"
    lake = open_lake(here, bucket)
    met: list[str] = []

    def kill(request: Request) -> None:
        if "/stories?" in request.url:
            raise Killed

    def meet(request: Request) -> None:
        """There has begun and read nothing yet; here begins later, reads a row and is killed."""
        if "/defects?" not in request.url or met:
            return
        met.append(request.url)
        run_extract(simulator, here, lake=lake, workspaces=("1003",))
        with pytest.raises(Killed):
            run_extract(simulator, here, SmallTransport(simulator, kill), lake, concurrency=1)
        simulator.store.update("defect", first, {"name": "new"})

    transport = SmallTransport(simulator, meet)
    published = run_extract(simulator, there, transport, open_lake(there, bucket)).manifest
    assert (published.generation, published.stamp("1002")) == (2, 1)  # here began with 2
    report = run_extract(simulator, here, lake=lake)

    assert report.resumed == 0
    assert built(here, lake) == ["new"]


def test_a_lake_in_a_bucket_is_loaded_refreshed_counted_and_looked_back_into(
    bucket: LakePlace, simulator: Simulator, tmp_path: Path
) -> None:
    lake = open_lake(tmp_path, bucket)
    run_extract(simulator, tmp_path, lake=lake)
    assert len(built(tmp_path, lake)) == DEFECTS

    simulator.clock.advance(timedelta(hours=1))
    ids = [row["id"] for row in simulator.store.find("defect")]
    simulator.store.update("defect", ids[3], {"name": "changed"})
    simulator.store.delete("defect", ids[5])
    shutil.rmtree(tmp_path / "lake-cache")  # another machine goes on
    report = run_extract(simulator, tmp_path, lake=open_lake(tmp_path, bucket), census=True)

    assert report.rows_written == 2
    now = built(tmp_path, lake)
    assert (len(now), "changed" in now, "d5" in now) == (DEFECTS - 1, True, False)
    with connect_as_of(tmp_path, 1, lake=lake, models=FEW) as past:
        assert sorted(names(past)) == sorted(f"d{number}" for number in range(DEFECTS))
    assert not (tmp_path / "lake").exists()


def test_an_extract_into_a_bucket_goes_on_after_a_kill(
    bucket: LakePlace, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 6)
    lake = open_lake(tmp_path, bucket)
    left = 9

    def stop(request: Request) -> None:
        nonlocal left
        left -= "/defects?" in request.url
        if left < 0:
            raise Killed

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stop), lake=lake, concurrency=1)
    assert lake.current() is None
    report = run_extract(simulator, tmp_path, lake=lake)

    note = next(row.note for row in report.manifest.certificate if row.entity == "defect")
    assert "were read before the extract was stopped" in note
    assert len(built(tmp_path, lake)) == DEFECTS


def test_a_part_that_the_bucket_lost_is_read_again(
    bucket: LakePlace, simulator: Simulator, tmp_path: Path
) -> None:
    lake = open_lake(tmp_path, bucket)

    def stop(request: Request) -> None:
        if "/stories?" in request.url:
            raise Killed

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stop), lake=lake, concurrency=1)
    shutil.rmtree(tmp_path / "lake-cache")
    for file in list(lake.storage.list("data")):
        lake.storage.delete(file.path)
    report = run_extract(simulator, tmp_path, lake=lake)

    assert (report.resumed, len(built(tmp_path, lake))) == (0, DEFECTS)


def lake_finding(home: Path, place: LakePlace) -> Diagnosis:
    environ = {
        "OCTANE_URL": "http://127.0.0.1:9",
        "OCTANE_CLIENT_ID": "client",
        "OCTANE_CLIENT_SECRET": "canary",
        "OCTANE_SHARED_SPACE": "1001",
        "OCTANE_HOME": str(home),
        "OCTANE_LAKE": f"s3://{place.bucket}/{place.prefix}",
        "OCTANE_LAKE_ENDPOINT": str(place.endpoint),
        "OCTANE_LAKE_KEY_ID": "key",
        "OCTANE_LAKE_SECRET": "canary-secret",
    }
    return next(row for row in examine(environ, timeout_s=1) if row.name == "lake")


def test_the_doctor_tells_how_the_bucket_is(
    bucket: LakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = lake_finding(tmp_path, bucket)
    assert fine.status == "ok"
    assert f"s3://{bucket.bucket}/octane/lake can be read and written" in fine.text
    assert list(open_lake(tmp_path, bucket).storage.list("")) == []

    missing = lake_finding(tmp_path, LakePlace("no-such-bucket", "", bucket.endpoint))
    assert missing.status == "failed"
    assert "check OCTANE_LAKE, its endpoint" in missing.line

    away = LakePlace("bucket", "", "http://127.0.0.1:9", secret_access_key=Secret("canary"))
    assert "s3://bucket" in lake_finding(tmp_path, away).line

    monkeypatch.setattr(BucketStorage, "_create", lambda *_: True)
    careless = lake_finding(tmp_path, bucket)
    assert careless.status == "failed"
    assert "does not honour conditional writes" in careless.line
    assert "canary" not in careless.line
