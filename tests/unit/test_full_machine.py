"""A machine without memory or disk space ends a build with one sentence, whatever it was doing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from octane_flows.errors import LakeError
from octane_flows.warehouse import build, load_models, warehouse_path
from octane_flows.warehouse.duckdb_file import CONFIG
from octane_flows.warehouse.incremental.changed_rows import ChangedRows
from tests.golden import kit

NAMES = ("er.releases", "er.sprints", "check.certificate_adds_up")
FEW = [model for model in load_models() if model.name in NAMES]
OUT_OF_MEMORY = duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block")
FULL_DISK = duckdb.IOException("IO Error: Could not write file: No space left on device")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A built warehouse, and a newer generation of the lake that an update would read."""
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    build(tmp_path, models=FEW)
    kit.write_lake(tmp_path, {"release": [{"id": "6", "name": "second"}]})
    return tmp_path


def assert_refused(home: Path, text: str) -> None:
    """The build ends with one sentence about the data folder, and nothing else is there."""
    published = warehouse_path(home).read_bytes()
    with pytest.raises(LakeError, match=text) as caught:
        build(home, models=FEW)
    message = str(caught.value)
    assert message.startswith(f"Could not build the warehouse in {home}")
    assert message.endswith("The previous warehouse stays.")
    assert ".warehouse-" not in message
    assert warehouse_path(home).read_bytes() == published
    assert [path.name for path in home.glob(".warehouse*")] == []


def test_a_disk_without_room_for_the_copy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", refuse)
    assert_refused(home, "during the start .*No space left.*free space")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OUT_OF_MEMORY, "because memory, .* is full during the load of octane.release"),
        (FULL_DISK, "during the load of octane.release .*No space left.*free space"),
        (MemoryError("no memory"), "because memory, .* is full during the start"),
    ],
    ids=["memory", "disk", "Python's memory"],
)
def test_the_ids_that_change_do_not_fit(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    def refuse(*_: Any) -> None:
        raise error

    monkeypatch.setattr(ChangedRows, "_add", refuse)
    assert_refused(home, text)


def test_the_previous_rows_do_not_fit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block")

    monkeypatch.setattr(ChangedRows, "_save", refuse)
    assert_refused(home, "because memory, .* is full during the start")


def test_duckdb_itself_runs_out_of_memory_in_the_first_phase(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFIG, "memory_limit", "1MB")
    assert_refused(home, "because memory, .* is full during ")


def test_a_disk_that_takes_no_new_file_of_duckdb(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = duckdb.connect

    def refuse(path: str, **settings: Any) -> duckdb.DuckDBPyConnection:
        if ".warehouse-" in path:
            raise duckdb.IOException(f'IO Error: Could not write "{path}": No space left on device')
        return connect(path, **settings)

    monkeypatch.setattr(duckdb, "connect", refuse)
    with pytest.raises(LakeError, match=r"during the start .*No space left.*previous warehouse"):
        build(home, models=FEW)
    assert [path.name for path in home.glob(".warehouse*")] == []


def test_a_damaged_file_is_named_and_not_taken_for_a_full_disk(home: Path) -> None:
    newest = max((home / "lake").rglob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(b"no parquet")

    with pytest.raises(LakeError, match=r"is not what its manifest says .*--full release"):
        build(home, models=FEW)


def test_the_first_build_says_that_nothing_was_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    monkeypatch.setitem(CONFIG, "memory_limit", "1MB")

    with pytest.raises(LakeError, match=r"memory.*Nothing was built\.$"):
        build(tmp_path, models=FEW)
