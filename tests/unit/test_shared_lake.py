"""One lake for all: many publish generations of their workspaces into it and lose nothing.

Workers, each with a workspace of its own, read and publish at the same time, are slowed down at
random and killed at any change; compaction, expiry and a warehouse that is kept current run beside
them. In the end everything is there once, as if they had come one after the other.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from octane_flows.config import LakePlace
from octane_flows.errors import LakeError
from octane_flows.lake import (
    BucketStorage,
    CertificateRow,
    Draft,
    FieldEntry,
    FileEntry,
    Interval,
    Lake,
    Manifest,
    ReadState,
    SchemaChange,
    compact,
    expire,
)
from octane_flows.lake import publish as publishing
from octane_flows.lake.storage import FolderStorage
from octane_flows.warehouse import build, connect, load_models
from octane_flows.warehouse.contract import contract_entry
from tests.golden import kit

WORKSPACES = tuple(str(number) for number in range(1001, 1013))
START = datetime(2021, 1, 20, 12, tzinfo=UTC)
FEW = [model for model in load_models() if model.name in ("er.releases", "er.sprints")]
TABLE, LINKS = "release", "defect__product_areas"
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

        def swap(self, path: str, body: bytes, former: bytes | None) -> bool:
            return bool(self._around(lambda: super(Storage, self).swap(path, body, former)))

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
        rows: dict[str, str | None] = {str(one): name for one in ids}
        if not full and self.dice.random() < 0.3:
            rows[str(ids[0])] = None  # a tombstone
        draft = self.lake.draft()
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


def publish(
    draft: Draft, workspace: str, rows: dict[str, str | None], *, replaces: int = 0
) -> Manifest:
    """What an extract of one workspace publishes: versions by id, None for a tombstone.

    Its first `replaces` files of each table are let go of.
    """
    stamp, parent = draft.generation, draft.parent
    # the server's clock: the same for all, and not that of the machines
    as_of = START + timedelta(minutes=stamp)
    tables = dict(parent.tables) if parent is not None else {}
    for name in (TABLE, LINKS):
        file = write(draft, name, workspace, rows, as_of)
        former = tables[name].files if name in tables else ()
        old = [one for one in former if one.workspace == workspace][:replaces]
        kept = tuple(one for one in former if one not in old)
        tables[name] = replace(contract_entry(name, list(kit.tables()[name])), files=kept)
        tables[name] = replace(tables[name], files=(*kept, file))
    change = SchemaChange(stamp, workspace, TABLE, "name", "relabelled", "")
    field = FieldEntry(
        workspace, TABLE, "name", "Name", "string", False, False, (), None, stamp, stamp
    )
    row = CertificateRow(workspace, TABLE, "releases", len(rows), len(rows), 1, 9, "complete",
                         rows_written=len(rows), cursor=as_of, lag_s=0.0)  # fmt: skip
    others = [one for one in (parent.certificate if parent else ()) if one.workspace != workspace]
    return draft.publish(
        as_of=as_of,
        server_url="http://127.0.0.1",
        server_version="24.4",
        shared_space="1001",
        tables=tables,
        states={
            **(parent.states if parent is not None else {}),
            workspace: {TABLE: ReadState("changes", as_of, (Interval(None, as_of),))},
        },
        fields=[*(one for one in (parent.fields if parent else ()) if one.workspace != workspace),
                field],
        certificate=[row, *(replace(one, status="carried", rows_written=0) for one in others)],
        schema_changes=[*(parent.schema_changes if parent is not None else ()), change],
        politeness={},
        findings=[],
        signed_in_user_name=f"reader of {workspace}",
        workspaces=[workspace],
    )  # fmt: skip


def write(
    draft: Draft, name: str, workspace: str, rows: dict[str, str | None], as_of: datetime
) -> FileEntry:
    columns = kit.tables()[name]
    schema = pa.schema([(column, kit.ARROW[kind]) for column, kind in columns.items()])
    own = {
        "_workspace_id": workspace,
        "_generation": draft.generation,
        "_extracted_at": as_of.replace(tzinfo=None),
    }
    key, value = ("id", "name") if name == TABLE else ("source_id", "target_id")
    written = [
        {**dict.fromkeys(columns), **own, key: id, value: text, "_deleted": text is None}
        for id, text in rows.items()
    ]
    writer = draft.writer(name, schema, workspace=workspace)
    writer.write(pa.Table.from_pylist(written, schema=schema))
    file = writer.close()
    assert file is not None
    return file


def require_whole(lake: Lake, manifest: Manifest) -> None:
    """Every file that a generation names is there, and holds its own workspace's rows."""
    for entry in manifest.tables.values():
        assert len({file.path for file in entry.files}) == len(entry.files)
        for file in entry.files:
            rows = pq.read_table(lake.resolve(file), columns=["_workspace_id", "_generation"])
            assert rows.num_rows == file.rows
            assert set(rows["_workspace_id"].to_pylist()) == {file.workspace}
            assert max(rows["_generation"].to_pylist()) <= manifest.stamp(file.workspace)


def require_complete(lake: Lake, workers: list[Worker]) -> None:
    """Nothing is lost, nothing is there twice, and generations follow one another."""
    kept = lake.kept()
    for former, one in zip((None, *kept), kept, strict=False):
        manifest = lake.manifest(one.generation)
        require_whole(lake, manifest)
        if former is not None:
            assert manifest.parent == former.generation
            assert manifest.as_of >= former.as_of
    current = lake.current()
    assert current is not None
    assert set(current.states) == {one.workspace for one in workers}
    assert [(one.workspace, one.status) for one in current.certificate if one.rows_written] == [
        (current.certificate[0].workspace, "complete")
    ]
    assert len(current.certificate) == len(current.fields) == len(workers)
    told = [(one.workspace, one.generation) for one in current.schema_changes]
    assert len({generation for _, generation in told}) == len(told)
    for worker in workers:
        assert sum(workspace == worker.workspace for workspace, _ in told) == worker.published
    last = dict(sorted(told, key=lambda one: one[1]))
    assert {one.workspace: one.last_generation for one in current.fields} == last


def held(home: Path) -> dict[str, dict[str, str]]:
    """Names by workspace and id, as the published warehouse has them."""
    found: dict[str, dict[str, str]] = {}
    with connect(home) as connection:
        for table, key, value in ((TABLE, "id", "name"), (LINKS, "source_id", "target_id")):
            rows = connection.execute(
                f"select _workspace_id, {key}, {value} from octane.{table}"
            ).fetchall()
            names: dict[str, dict[str, str]] = {}
            for workspace, id, name in rows:
                assert id not in names.setdefault(workspace, {}), "a row is there twice"
                names[workspace][id] = name
            assert not found or found == names
            found = names
    return found


def expected(workers: list[Worker]) -> dict[str, dict[str, str]]:
    live = {
        one.workspace: {id: name for id, name in one.rows.items() if name is not None}
        for one in workers
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
        Worker(one, Lake(unsteady(storage, Unsteady(seed * 100 + n, deadly=True))), seed + n)
        for n, one in enumerate(WORKSPACES)
    ]
    lake, over = Lake(storage), threading.Event()
    workers[0].rows = {"0": "the first"}
    publish(lake.draft(), "1001", workers[0].rows)
    with ThreadPoolExecutor(len(workers) + 4) as pool:
        beside = [
            pool.submit(repeat, lambda: compact(Lake(storage), min_files=3), over),
            pool.submit(repeat, lambda: expire(Lake(storage), keep=1000), over),
            pool.submit(repeat, lambda: build(tmp_path, models=FEW), over),
            pool.submit(
                repeat, lambda: require_whole(lake, lake.current() or publish_none()), over
            ),
        ]
        try:
            runs = [pool.submit(one.run, 4) for one in workers]
            assert sum(run.result().killed for run in runs) > 5
        finally:
            over.set()
        assert all(one.result() for one in beside)

    workers[0].published += 1
    require_complete(lake, workers)
    build(tmp_path, models=FEW)
    updated = held(tmp_path)
    build(tmp_path, models=FEW, full=True)
    assert updated == held(tmp_path) == expected(workers)
    compact(lake, min_files=2)
    expire(lake, keep=1)
    build(tmp_path, models=FEW)
    assert held(tmp_path) == expected(workers)


def publish_none() -> Manifest:
    raise AssertionError("the lake has a generation")


@pytest.mark.usefixtures("impatient")
def test_twelve_machines_share_a_bucket(bucket: LakePlace, tmp_path: Path) -> None:
    workers = [
        Worker(
            one,
            Lake(
                unsteady(
                    BucketStorage(bucket, tmp_path / f"cache-{one}"), Unsteady(n, deadly=n < 4)
                )
            ),
            n,
        )
        for n, one in enumerate(WORKSPACES)
    ]
    with ThreadPoolExecutor(len(workers)) as pool:
        runs = [pool.submit(one.run, 2) for one in workers]
        assert sum(run.result().killed for run in runs) > 0

    lake = Lake(BucketStorage(bucket, tmp_path / "reader"))
    require_complete(lake, workers)
    build(tmp_path, lake=lake, models=FEW)
    assert held(tmp_path) == expected(workers)


def test_generations_without_a_kill_have_consecutive_numbers(tmp_path: Path) -> None:
    workers = [Worker(one, Lake(tmp_path), n) for n, one in enumerate(WORKSPACES[:4])]
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda one: one.run(5), workers))

    assert [one.generation for one in Lake(tmp_path).kept()] == list(range(1, 21))
    assert len(list((tmp_path / "generations").iterdir())) == 20
    named = {
        part.path for one in range(1, 21) for part in Lake(tmp_path).manifest(one).parts.values()
    }
    assert {f"parts/{path.name}" for path in (tmp_path / "parts").iterdir()} == named


def test_rows_that_were_read_before_others_published_are_loaded(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    publish(lake.draft(), "1001", {"1": "a"})
    slow = lake.draft()
    publish(lake.draft(), "1001", {"1": "b"})
    build(tmp_path, models=FEW)  # holds generation 2; the slow one's rows carry the number 2 too
    late = publish(slow, "1002", {"1": "late"})
    build(tmp_path, models=FEW)

    assert (late.generation, late.parent, late.stamp("1002")) == (3, 2, 2)
    assert held(tmp_path) == {"1001": {"1": "b"}, "1002": {"1": "late"}}


def test_a_merged_file_brings_only_what_a_warehouse_lacks(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(lake.draft(), "1001", {"1": name})
    slow = lake.draft()
    publish(lake.draft(), "1002", {"1": "x"})
    build(tmp_path, models=FEW)
    publish(slow, "1001", {"2": "late"})
    assert compact(lake, min_files=2).generation == 6
    build(tmp_path, models=FEW)

    assert held(tmp_path) == {"1001": {"1": "c", "2": "late"}, "1002": {"1": "x"}}


def test_the_same_workspace_is_published_by_one_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(lake.draft(), "1001", {"1": "a"})
    slow = lake.draft()
    winner = publish(lake.draft(), "1001", {"1": "b"})

    with pytest.raises(LakeError, match=r"Another process published workspace 1001 into"):
        publish(slow, "1001", {"1": "c"})
    assert lake.current() == winner


def test_another_server_is_told_though_both_were_the_first(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    slow = lake.draft()
    publish(lake.draft(), "1001", {"1": "a"})

    with pytest.raises(LakeError, match=r"published shared space 1001 of http://127\.0\.0\.1 into"):
        slow.publish(
            as_of=START, server_url="https://octane.example", server_version="1", shared_space="9",
            tables={}, states={}, fields=[], certificate=[], schema_changes=[], politeness={},
            findings=[], workspaces=["1002"],
        )  # fmt: skip


def test_a_full_reading_replaces_files_that_were_merged_meanwhile(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(lake.draft(), "1001", {name: name})
    slow, other = lake.draft(), lake.draft()
    compact(lake, min_files=2)
    publish(slow, "1001", {"d": "d"}, replaces=3)
    publish(other, "1002", {"1": "x"})
    build(tmp_path, models=FEW)

    assert held(tmp_path) == {"1001": {"d": "d"}, "1002": {"1": "x"}}


def test_files_beside_those_that_are_replaced_stay(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(lake.draft(), "1001", {name: name})
    slow = lake.draft()
    publish(lake.draft(), "1002", {"1": "x"})
    publish(slow, "1001", {"d": "d"}, replaces=1)
    build(tmp_path, models=FEW)

    assert held(tmp_path) == {"1001": {name: name for name in "bcd"}, "1002": {"1": "x"}}


def test_files_that_were_merged_meanwhile_are_not_named_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for name in "abc":
        publish(lake.draft(), "1001", {name: name})
    slow = lake.draft()
    compact(lake, min_files=2)
    expire(lake, keep=1)
    published = publish(slow, "1001", {"d": "d"})

    require_whole(lake, published)
    build(tmp_path, models=FEW)
    assert held(tmp_path) == {"1001": {name: name for name in "abcd"}}


def test_of_two_compactions_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    for name in "abc":
        publish(lake.draft(), "1001", {name: name})
    former = lake.draft(is_compaction=True)
    compact(lake, min_files=2)
    publish(lake.draft(), "1001", {"d": "d"})
    monkeypatch.setattr(lake, "draft", lambda **_: former)

    with pytest.raises(LakeError, match="Another process compacted"):
        compact(lake, min_files=2)


def test_an_expiry_spares_what_a_slow_worker_has_written(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(lake.draft(), "1002", {"1": "a"})
    slow, killed = lake.draft(), lake.draft()
    leftover = write(killed, TABLE, "1001", {"1": "killed"}, START)
    file = write(slow, TABLE, "1002", {"1": "slow"}, START)
    for name in "abc":
        publish(lake.draft(), "1001", {"1": name})
    gone = expire(lake, keep=1)

    assert lake.resolve(file).is_file()
    assert [path for path in gone.files if path.startswith("data/")] == [leftover.path]


def test_what_others_know_is_theirs_and_what_is_ours_is_ours(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    publish(lake.draft(), "1001", {"1": "a"})
    slow = lake.draft()
    later = publish(lake.draft(), "1001", {"1": "b", "2": "b"})
    late = publish(slow, "1002", {"1": "x"})

    users = {id: one.signed_in_user_name for id, one in late.workspaces.items()}
    assert users == {"1001": "reader of 1001", "1002": "reader of 1002"}
    assert late.states == {**later.states, "1002": late.states["1002"]}
    told = [(one.workspace, one.status, one.rows_written) for one in late.certificate]
    assert told == [("1002", "complete", 1), ("1001", "carried", 0)]
    assert [(one.workspace, one.generation) for one in late.schema_changes] == [
        ("1001", 1), ("1001", 2), ("1002", 3),
    ]  # fmt: skip
    assert [(one.workspace, one.first_generation) for one in late.fields] == [
        ("1001", 2),
        ("1002", 3),
    ]
    assert late.as_of == later.as_of
    assert lake.as_of(later.as_of) == late
