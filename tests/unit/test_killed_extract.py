"""Extracts that are killed, disturbed or concurrent: generations stay whole and reruns finish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from octane_flows.client.transport import Request
from octane_flows.errors import LakeError
from octane_flows.lake import Lake
from octane_flows.lake.writer_lock import write_lock
from octane_simulator import Simulator
from tests.small import START, Killed, SmallTransport, killer, run_extract, stored_rows
from tests.small_defects import DEFECTS, current_tables, ids_of

#: A process that is killed while it holds a workspace.
KILLED = """
import os, pathlib, sys
from octane_flows.lake import write_lock
with write_lock(pathlib.Path(sys.argv[1]), "an extract", workspaces=["1001"]):
    os.kill(os.getpid(), 9)
"""


def test_a_kill_at_any_request_leaves_the_previous_generation_and_the_rerun_finishes(
    simulator: Simulator, tmp_path: Path
) -> None:
    first = run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    for id in ids_of(simulator):
        simulator.store.update("defect", id, {"name": "second"})
    probe = SmallTransport(simulator)
    killed = 0
    for place in range(40):
        try:
            run_extract(simulator, tmp_path, SmallTransport(simulator, killer(place)))
        except Killed:
            killed += 1
            assert current_tables(tmp_path) == first.manifest.tables
            continue
        break
    report = run_extract(simulator, tmp_path, probe)

    assert killed > 8
    assert report.manifest.generation == Lake(tmp_path / "lake").kept()[-1].generation
    assert set(stored_rows(tmp_path, "defect", "name").values()) == {("second",)}


def test_what_a_stopped_extract_had_read_is_not_read_again(
    simulator: Simulator, tmp_path: Path
) -> None:
    def stop_at_stories(request: Request) -> None:
        if "/stories?" in request.url:
            raise Killed

    with pytest.raises(Killed):
        run_extract(simulator, tmp_path, SmallTransport(simulator, stop_at_stories))
    transport = SmallTransport(simulator)

    report = run_extract(simulator, tmp_path, transport)

    assert report.resumed == 1
    assert not [target for target in transport.targets if "/defects?" in target]
    assert len(stored_rows(tmp_path, "defect")) == DEFECTS


def test_a_kill_at_any_fsync_leaves_a_whole_generation(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_extract(simulator, tmp_path)
    simulator.clock.advance(3600)
    sync = os.fsync
    left = 0

    def failing(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    killed = 0
    for place in range(200):
        simulator.store.update("defect", ids_of(simulator)[0], {"name": f"v{place}"})
        left = place
        try:
            run_extract(simulator, tmp_path)
        except Killed:
            killed += 1
            assert len(stored_rows(tmp_path, "defect")) == DEFECTS
            continue
        break
    left = 10**9
    simulator.clock.advance(60)
    run_extract(simulator, tmp_path)

    assert killed > 5
    assert stored_rows(tmp_path, "defect", "name")[ids_of(simulator)[0]] == (f"v{killed}",)


def test_a_manifest_that_a_kill_cut_off_is_ignored(simulator: Simulator, tmp_path: Path) -> None:
    first = run_extract(simulator, tmp_path).manifest
    folder = tmp_path / "lake" / "generations"
    whole = (folder / "000001.json").read_bytes()
    (folder / "000002.json").write_bytes(whole[: len(whole) // 2])
    assert Lake(tmp_path / "lake").current() == first

    second = run_extract(simulator, tmp_path).manifest

    assert (second.generation, second.parent) == (3, 1)
    assert Lake(tmp_path / "lake").current() == second
    assert len(stored_rows(tmp_path, "defect")) == DEFECTS


def test_a_second_extract_into_a_folder_names_the_first(
    simulator: Simulator, tmp_path: Path
) -> None:
    with (
        write_lock(tmp_path, "an extract"),
        pytest.raises(LakeError, match=rf"an extract \(process {os.getpid()} on .*--wait"),
    ):
        run_extract(simulator, tmp_path)

    assert run_extract(simulator, tmp_path).rows == DEFECTS


def test_a_killed_process_is_not_named(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert "an extract" in (tmp_path / ".writer-1001.owner").read_text("utf-8")

    with (
        write_lock(tmp_path, "an extract", workspaces=["1002"]),
        pytest.raises(LakeError, match=rf"is being written by an extract \(process {os.getpid()} "),
        write_lock(tmp_path, "a compaction"),
    ):
        pass
    with write_lock(tmp_path, "a compaction"):
        pass


def test_a_compaction_and_extracts_exclude_each_other(tmp_path: Path) -> None:
    with (
        write_lock(tmp_path, "a compaction"),
        pytest.raises(LakeError, match="is being written by a compaction"),
        write_lock(tmp_path, "an extract", workspaces=["1001"]),
    ):
        pass
    with (
        write_lock(tmp_path, "an extract", workspaces=["1003", "1001"]),
        write_lock(tmp_path, "an extract", workspaces=["1002"]),
        pytest.raises(LakeError, match=r"Workspace 1003 in .* is being written by an extract"),
        write_lock(tmp_path, "an extract", workspaces=["1004", "1003"]),
    ):
        pass
    with write_lock(
        tmp_path, "an extract", workspaces=["1004"]
    ):  # nobody keeps half of what it wanted
        pass


def test_each_workspace_is_resumed_by_itself(tmp_path: Path) -> None:
    simulator = Simulator(clock=START, workspaces=["1001", "1002"])
    for workspace in ("1001", "1002"):
        simulator.feeder(workspace).create("defects", [{"name": "a"}, {"name": "b"}])
    simulator.clock.advance(3600)

    def stop_at_the_last(request: Request) -> None:
        if "/1002/stories?" in request.url:
            raise Killed

    with pytest.raises(Killed):
        run_extract(
            simulator,
            tmp_path,
            SmallTransport(simulator, stop_at_the_last),
            workspaces=("1001", "1002"),
            concurrency=1,
        )
    assert sorted(path.name for path in tmp_path.glob("*.journal")) == [
        "extract-1001.journal",
        "extract-1002.journal",
    ]
    first = run_extract(simulator, tmp_path, workspaces=("1001",))
    assert (first.resumed, first.manifest.generation) == (2, 1)
    assert len(stored_rows(tmp_path, "defect")) == 2
    left = [*(tmp_path / "lake/data/1002").glob("*/*.parquet")]
    assert left  # the files of the other workspace stay

    both = run_extract(simulator, tmp_path, workspaces=("1001", "1002"))

    assert both.resumed == 1
    assert not [*tmp_path.glob("*.journal")]
    assert both.manifest.generation == 2
    files = both.manifest.tables["defect"].files
    assert {file.workspace for file in files} == {"1001", "1002"}
    assert {str(tmp_path / "lake" / file.path) for file in files} >= {str(path) for path in left}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("too_many_requests", {"retry_after": 1}),
        ("unavailable", {}),
        ("cut_body", {}),
    ],
)
def test_an_extract_survives_many_errors_of_the_server(
    simulator: Simulator, tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    simulator.faults.add(kind, times=6, path="/defects", **options)

    assert run_extract(simulator, tmp_path).rows == DEFECTS


def test_a_session_that_ends_at_a_late_page_is_renewed(
    simulator: Simulator, tmp_path: Path
) -> None:
    pages = 0

    def expire(request: Request) -> None:
        nonlocal pages
        if "/defects?" in request.url:
            pages += 1
            if pages == 5:
                simulator.faults.expire()

    assert run_extract(simulator, tmp_path, SmallTransport(simulator, expire)).rows == DEFECTS
    assert simulator.auth.sign_ins == 2
