"""What a lake's storage must do, wherever it lies, and that a kill at any step harms nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from octane_flows.errors import LakeError
from octane_flows.lake import BucketStorage, Draft, Lake, expire
from octane_flows.lake.storage import FolderStorage, Storage
from octane_flows.lake.table_writer import file_digest
from tests.unit.test_lake import publish, write


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return FolderStorage(tmp_path / "lake")
    return BucketStorage(request.getfixturevalue("bucket"), tmp_path / "cache")


def add(storage: Storage, path: str, body: bytes) -> str:
    scratch = storage.scratch(path)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    scratch.write_bytes(body)
    sha256 = file_digest(scratch)
    storage.add(path, scratch, sha256)
    return sha256


def test_what_is_not_there_is_none(storage: Storage) -> None:
    assert storage.read("CURRENT") is None
    assert list(storage.list("data")) == []
    storage.delete("data/none")


def test_a_file_is_created_once(storage: Storage) -> None:
    assert storage.create("generations/000001.json", b"first")
    assert not storage.create("generations/000001.json", b"second")
    assert storage.read("generations/000001.json") == b"first"


def test_a_pointer_moves_only_from_what_was_read(storage: Storage) -> None:
    assert storage.swap("CURRENT", b"1", None)
    assert not storage.swap("CURRENT", b"2", None)
    assert not storage.swap("CURRENT", b"2", b"0")
    assert storage.read("CURRENT") == b"1"
    assert storage.swap("CURRENT", b"2", b"1")
    assert storage.read("CURRENT") == b"2"


def test_an_added_file_can_be_listed_read_and_deleted(storage: Storage) -> None:
    path = "data/1002/defect/000001-0001.parquet"
    sha256 = add(storage, path, b"content")

    assert [(file.path, file.bytes) for file in storage.list("data")] == [(path, 7)]
    assert storage.local(path, sha256).read_bytes() == b"content"
    assert not storage.scratch(path).exists()
    storage.delete(path)
    assert list(storage.list("data")) == []


def test_two_publishers_race_and_one_of_them_fails(storage: Storage) -> None:
    lake = Lake(storage)
    first = publish(Draft(lake))
    first_draft, second_draft = Draft(lake), Draft(lake)
    winner = publish(first_draft, write(first_draft, ["1"]))
    lost = write(second_draft, ["2"])

    with pytest.raises(LakeError, match=r"Another process published .*nothing of this process"):
        publish(second_draft, lost)
    assert lake.current() == winner
    assert [kept.generation for kept in lake.kept()] == [first.generation, winner.generation]
    again = Draft(lake)
    assert publish(again).parent == winner.generation


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


def kill_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let the process die at the n-th sync, rename or exclusive creation; counts them all."""
    seen = 0

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **named: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == step:
                raise Killed
            return call(*arguments, **named)

        return instead

    monkeypatch.setattr(os, "fsync", dying(os.fsync))
    monkeypatch.setattr(os, "replace", dying(os.replace))
    monkeypatch.setattr(Path, "open", dying(Path.open))
    return lambda: seen


STEPS = 40  # more than one publication takes: the last steps are not disturbed


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_kill_at_any_step_leaves_a_whole_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    lake = Lake(tmp_path)
    draft = Draft(lake)
    first = publish(draft, write(draft, ["1"]))

    with monkeypatch.context() as patch:
        steps = kill_at(step, patch)
        try:
            draft = Draft(lake)
            publish(draft, write(draft, ["2", "3"]), label="Key", recent="1002")
            is_killed = False
        except Killed:
            is_killed = True
    assert is_killed == (step <= steps())
    assert not is_killed or step < STEPS

    current = lake.current()
    assert current is not None
    rows, label = {1: (["1"], "ID"), 2: (["2", "3"], "Key")}[current.generation]
    assert current.tables["defect"].columns[0].label == label
    file = current.tables["defect"].files[0]
    assert pq.read_table(lake.resolve(file)).column("id").to_pylist() == rows
    assert file_digest(lake.resolve(file)) == file.sha256
    if not is_killed:
        assert current.generation == 2
    again = Draft(lake)
    third = publish(again, write(again, ["4"]))
    assert third.parent == current.generation
    assert lake.current() == third
    assert first == lake.as_of(first.generation)
    expire(lake, keep=1)
    assert lake.current() == third
    assert len(list((tmp_path / "parts").iterdir())) == len(third.parts)
