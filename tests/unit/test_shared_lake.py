"""One lake for all: many publish generations of their workspaces into it and lose nothing.

Workers, each with a workspace of its own, read and publish at the same time, are slowed down at
random and killed at any change; compaction, expiry and a warehouse that is kept current run beside
them. In the end everything is there once, as if the processes had run in turn.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from octane_flows.config import LakePlace
from octane_flows.errors import LakeError
from octane_flows.lake import (
    BucketStorage,
    Draft,
    Lake,
    Manifest,
    compact,
    expire,
)
from octane_flows.lake import publish as publishing
from octane_flows.lake.storage import FolderStorage
from octane_flows.warehouse import build
from tests.shared_lake import FEW, publish, require_whole, stored_names

WORKSPACES = tuple(str(number) for number in range(1001, 1013))
IDS = 4


class Killed(BaseException):
    """The process ends here."""


class Unsteady:
    """What happens before each operation of a storage: a pause, sometimes the end."""

    def __init__(self, seed: int, deadly: bool) -> None:
        self.dice = random.Random(seed)
        self.left = self.dice.randint(2, 25) if deadly else 10**9

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.left = self.dice.randint(2, 60)
            raise Killed
        time.sleep(self.dice.choice((0, 0, 0, 0.001, 0.004)))


def unsteady(storage: Any, before: Unsteady) -> Any:
    """The same storage with something before and after each of its changes."""

    class Storage(type(storage)):  # type: ignore[misc]
        def __init__(self) -> None:
            self.__dict__.update(storage.__dict__)

        def _around(self, change: Callable[[], Any]) -> Any:
            before()
            done = change()
            before()
            return done

        def add(self, path: str, local: Path, sha256: str) -> None:
            self._around(lambda: super(Storage, self).add(path, local, sha256))

        def create(self, path: str, body: bytes) -> bool:
            return bool(self._around(lambda: super(Storage, self).create(path, body)))

        def swap(self, path: str, body: bytes, previous: bytes | None) -> bool:
            return bool(self._around(lambda: super(Storage, self).swap(path, body, previous)))

    return Storage()


class Worker:
    """Reads one workspace again and again, as an extract does."""

    def __init__(self, workspace: str, lake: Lake, seed: int) -> None:
        self.workspace = workspace
        self.lake = lake
        self.dice = random.Random(seed)
        self.rows: dict[str, str | None] = {}
        self.published = 0
        self.killed = 0

    def run(self, rounds: int) -> Worker:
        for turn in range(rounds):
            while not self._attempt(f"{self.workspace}-{turn}", full=self.dice.random() < 0.2):
                self.killed += 1
        return self

    def _attempt(self, name: str, *, full: bool) -> bool:
        """Publish a few new versions; False when it was killed before that."""
        ids = self.dice.sample(range(IDS), 2)
        rows: dict[str, str | None] = {str(id): name for id in ids}
        if not full and self.dice.random() < 0.3:
            rows[str(ids[0])] = None  # a tombstone
        draft = Draft(self.lake)
        try:
            publish(draft, self.workspace, rows, replaces=1000 if full else 0)
        except Killed:
            if not self._is_published(draft):
                return False
        self.rows = {**({} if full else self.rows), **rows}
        self.published += 1
        return True

    def _is_published(self, draft: Draft) -> bool:
        current = self.lake.current()
        return current is not None and current.stamp(self.workspace) == draft.generation


def require_complete(lake: Lake, workers: list[Worker]) -> None:
    """Nothing is lost, nothing is there twice, and generations follow each other."""
    kept = lake.kept()
    for previous, entry in zip((None, *kept), kept, strict=False):
        manifest = lake.manifest(entry.generation)
        require_whole(lake, manifest)
        if previous is not None:
            assert manifest.parent == previous.generation
            assert manifest.as_of >= previous.as_of
    current = lake.current()
    assert current is not None
    assert set(current.states) == {worker.workspace for worker in workers}
    assert [(row.workspace, row.status) for row in current.certificate if row.rows_written] == [
        (current.certificate[0].workspace, "complete")
    ]
    assert len(current.certificate) == len(current.fields) == len(workers)
    changes = [(change.workspace, change.generation) for change in current.schema_changes]
    assert len({generation for _, generation in changes}) == len(changes)
    for worker in workers:
        assert sum(workspace == worker.workspace for workspace, _ in changes) == worker.published
    last = dict(sorted(changes, key=lambda change: change[1]))
    assert {field.workspace: field.last_generation for field in current.fields} == last


def expected(workers: list[Worker]) -> dict[str, dict[str, str]]:
    live = {
        worker.workspace: {id: name for id, name in worker.rows.items() if name is not None}
        for worker in workers
    }
    return {workspace: names for workspace, names in live.items() if names}


def repeat(work: Callable[[], Any], over: threading.Event) -> int:
    """Do something again and again while the workers are at work; losing a race is no fault."""
    done = 0
    while not over.is_set():
        try:
            work()
            done += 1
        except LakeError as error:
            if not re.search("published|compacted", str(error)):
                raise
        time.sleep(0.02)
    return done


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was killed between manifest and pointer is waited for a moment only."""
    monkeypatch.setattr(publishing, "PATIENCE_S", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("seed", [1, 2])
def test_twelve_workers_killed_at_random_lose_and_repeat_nothing(tmp_path: Path, seed: int) -> None:
    storage = FolderStorage(tmp_path / "lake")
    workers = [
        Worker(workspace, Lake(unsteady(storage, Unsteady(seed * 100 + n, deadly=True))), seed + n)
        for n, workspace in enumerate(WORKSPACES)
    ]
    lake, over = Lake(storage), threading.Event()
    workers[0].rows = {"0": "the first"}
    publish(Draft(lake), "1001", workers[0].rows)
    with ThreadPoolExecutor(len(workers) + 4) as pool:
        maintenance = [
            pool.submit(repeat, lambda: compact(Lake(storage), min_files=3), over),
            pool.submit(repeat, lambda: expire(Lake(storage), keep=1000), over),
            pool.submit(repeat, lambda: build(tmp_path, models=FEW), over),
            pool.submit(
                repeat, lambda: require_whole(lake, lake.current() or publish_none()), over
            ),
        ]
        try:
            runs = [pool.submit(worker.run, 4) for worker in workers]
            assert sum(run.result().killed for run in runs) > 5
        finally:
            over.set()
        assert all(task.result() for task in maintenance)

    workers[0].published += 1
    require_complete(lake, workers)
    build(tmp_path, models=FEW)
    updated = stored_names(tmp_path)
    build(tmp_path, models=FEW, full=True)
    assert updated == stored_names(tmp_path) == expected(workers)
    compact(lake, min_files=2)
    expire(lake, keep=1)
    build(tmp_path, models=FEW)
    assert stored_names(tmp_path) == expected(workers)


def publish_none() -> Manifest:
    raise AssertionError("the lake has a generation")


@pytest.mark.usefixtures("impatient")
def test_twelve_machines_share_a_bucket(bucket: LakePlace, tmp_path: Path) -> None:
    workers = [
        Worker(
            workspace,
            Lake(
                unsteady(
                    BucketStorage(bucket, tmp_path / f"cache-{workspace}"),
                    Unsteady(n, deadly=n < 4),
                )
            ),
            n,
        )
        for n, workspace in enumerate(WORKSPACES)
    ]
    with ThreadPoolExecutor(len(workers)) as pool:
        runs = [pool.submit(worker.run, 2) for worker in workers]
        assert sum(run.result().killed for run in runs) > 0

    lake = Lake(BucketStorage(bucket, tmp_path / "reader"))
    require_complete(lake, workers)
    build(tmp_path, lake=lake, models=FEW)
    assert stored_names(tmp_path) == expected(workers)


def test_generations_without_a_kill_have_consecutive_numbers(tmp_path: Path) -> None:
    workers = [Worker(workspace, Lake(tmp_path), n) for n, workspace in enumerate(WORKSPACES[:4])]
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: worker.run(5), workers))

    assert [kept.generation for kept in Lake(tmp_path).kept()] == list(range(1, 21))
    assert len(list((tmp_path / "generations").iterdir())) == 20
    named = {
        part.path
        for number in range(1, 21)
        for part in Lake(tmp_path).manifest(number).parts.values()
    }
    assert {f"parts/{path.name}" for path in (tmp_path / "parts").iterdir()} == named
