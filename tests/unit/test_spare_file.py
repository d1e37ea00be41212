"""An update writes to the version before the published one, and no reader ever sees it written."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from octane_flows import portable_files
from octane_flows.errors import LakeError
from octane_flows.portable_files import clone_file, file_system, is_open_nowhere
from octane_flows.warehouse import (
    build,
    connect,
    draft_file,
    load_models,
    spare_file,
    warehouse_build,
    warehouse_path,
)
from octane_flows.warehouse.duckdb_file import open_file
from octane_flows.warehouse.spare_file import spare_path, take_spare
from tests.golden import kit

NAMES = ("er.releases", "er.phase_periods", "er.metaphases", "er.phases")
FEW = [model for model in load_models() if model.name in NAMES]
#: A build in a process of its own, which ends at a step as if it were killed.
KILLED = """
import os, sys
from pathlib import Path
from octane_flows.warehouse import build, draft_file, load_models, spare_file, warehouse_build
from octane_flows.warehouse.incremental import build_start
from tests.unit.test_spare_file import NAMES
module, _, rest = sys.argv[2].partition(".")
name, _, when = rest.partition(" ")
owners = (build_start, draft_file, os, spare_file, warehouse_build)
owner = next(owner for owner in owners if owner.__name__.endswith(module))
step = getattr(owner, name)
def killed(*arguments, **options):
    if when == "after":
        step(*arguments, **options)
    os.kill(os.getpid(), 9)
spare_file.SMALLEST_BYTES, spare_file.SETTLED_S = 0, 0.0
setattr(owner, name, killed)
build(Path(sys.argv[1]), models=[model for model in load_models() if model.name in NAMES])
"""
#: Where an update can be killed, in their order.
STEPS = (
    "spare_file.sync_file",  # the spare has the name of the draft
    "spare_file.is_open_nowhere",
    "build_start.plan_update",
    "warehouse_build.keep_versions",  # half of the change is in the file
    "warehouse_build.record_checks",
    "draft_file.sync_file",  # all of it is, and nothing was published
    "spare_file.delete_spare",
    "os.link",
    "draft_file.put_in_place",  # the published file has the name of the spare too
    "draft_file.put_in_place after",
)


def rows(number: int) -> dict[str, list[dict[str, Any]]]:
    """What comes in a generation: releases and defects that come, change and go."""
    return {
        "release": [
            {"id": "1", "name": f"first {number}"},
            {"id": str(number + 10), "name": "new"},
            {"id": str(number + 9), "_deleted": True},
        ],
        "defect": [{"id": "9", "name": f"defect {number}", "phase_id": f"phase {number}"}],
        "defect__product_areas": [{"source_id": "9", "target_id": f"area {number}"}],
    }


def content(home: Path) -> list[Any]:
    with connect(home) as connection:
        return [
            connection.execute(f"from {table} order by all").fetchall()
            for table in (
                "octane.release",
                "octane.defect",
                "octane.defect__product_areas",
                "past.work_item_phases",
                "er.releases",
                "er.phase_periods",
            )
        ]


def names(home: Path) -> list[str]:
    with connect(home) as connection:
        return [row[0] for row in connection.execute("select name from octane.release").fetchall()]


@pytest.fixture(autouse=True)
def _any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares of small files too, and without a wait."""
    monkeypatch.setattr(spare_file, "SMALLEST_BYTES", 0)
    monkeypatch.setattr(spare_file, "SETTLED_S", 0.0)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[Any]]]:
    """A data folder of three generations of which two were built; the content of all three."""
    folder = tmp_path_factory.mktemp("built")
    expected = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spare_file, "SMALLEST_BYTES", 0)
        for number in (1, 2, 3):
            kit.write_lake(folder, rows(number))
            scratch = folder / "scratch"
            shutil.copytree(folder / "lake", scratch / "lake")
            build(scratch, models=FEW, full=True)
            expected.append(content(scratch))
            shutil.rmtree(scratch)
            if number < 3:
                build(folder, models=FEW)
    return folder, expected


@pytest.fixture
def home(states: tuple[Path, list[list[Any]]], tmp_path: Path) -> Path:
    """The folder with a spare of the first generation, where the file system has leases."""
    copy = tmp_path / "home"
    shutil.copytree(states[0], copy)
    if not spare_path(warehouse_path(copy)).is_file() or not is_open_nowhere(
        spare_path(warehouse_path(copy))
    ):
        pytest.skip(f"no spare file is kept on {file_system(copy)}")
    return copy


def updated_from(home: Path) -> int | None:
    """The generation of the file that became the published one: 1 of the spare, 2 of a copy."""
    with connect(home) as connection:
        rows = connection.execute("select updated_from from meta.build").fetchall()
    generation: int | None = rows[0][0]
    return generation


def inode(path: Path) -> int:
    return path.stat().st_ino


def test_updates_write_to_two_files_in_turn(
    home: Path, states: tuple[Path, list[list[Any]]]
) -> None:
    target = warehouse_path(home)
    first, second = inode(spare_path(target)), inode(target)
    build(home, models=FEW)

    assert (inode(target), inode(spare_path(target))) == (first, second)
    assert updated_from(home) == 1
    assert content(home) == states[1][2]
    assert target.stat().st_mode == spare_path(target).stat().st_mode
    assert target.stat().st_mode & 0o222 == 0
    kit.write_lake(home, rows(4))
    build(home, models=FEW)
    assert (inode(target), inode(spare_path(target))) == (second, first)
    assert updated_from(home) == 2
    kept = content(home)
    build(home, models=FEW, full=True)
    assert content(home) == kept


def test_the_rights_of_the_spare_are_those_of_a_new_file(home: Path) -> None:
    first = inode(spare_path(warehouse_path(home)))
    spare_path(warehouse_path(home)).chmod(0o777)
    mask = os.umask(0o077)
    try:
        build(home, models=FEW)
    finally:
        os.umask(mask)

    assert (inode(warehouse_path(home)), updated_from(home)) == (first, 1)
    assert warehouse_path(home).stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("reader", ["duckdb", "duckdb of another process", "bytes", "memory"])
def test_a_reader_keeps_the_version_that_it_opened(home: Path, reader: str) -> None:
    """The spare is open somewhere: the update copies, and the reader's file is not written."""
    spare = spare_path(warehouse_path(home))
    digest = hashlib.sha256(spare.read_bytes()).hexdigest()
    kept = home / "kept"  # another name until the reader has it open, as the published one was
    os.link(spare, kept)
    first = inode(spare)
    with kept.open("rb") as opened:
        other = mapped = connection = None
        if reader == "duckdb":
            connection = open_file(kept, read_only=True)
        elif reader == "duckdb of another process":
            code = (
                "import duckdb, sys\n"
                f"connection = duckdb.connect({str(kept)!r}, read_only=True)\n"
                "print('open', flush=True)\n"
                "sys.stdin.read()\n"
                "print(connection.execute('from octane.release order by all').fetchall())\n"
            )
            other = subprocess.Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert other.stdout is not None
            assert other.stdout.readline() == "open\n"
        elif reader == "memory":
            mapped = mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ)
        kept.unlink()
        if reader != "bytes":
            opened.close()  # what else has it open must do
        build(home, models=FEW)

        assert (inode(warehouse_path(home)) != first, updated_from(home)) == (True, 2)
        if connection is not None:
            assert connection.execute("select name from octane.release").fetchall()
            connection.close()
        elif other is not None:
            shown, _ = other.communicate()
            assert other.returncode == 0
            assert "first 1" in shown
        else:
            whole = mapped[:] if mapped is not None else opened.read()
            assert hashlib.sha256(whole).hexdigest() == digest
    assert "first 3" in names(home)


def test_a_file_that_has_another_name_is_not_written(home: Path) -> None:
    kept = home.parent / "kept.duckdb"
    os.link(spare_path(warehouse_path(home)), kept)
    before = kept.read_bytes()
    build(home, models=FEW)

    assert kept.read_bytes() == before
    assert updated_from(home) == 2


@pytest.mark.parametrize("why", ["just published", "another file system", "nfs server", "small"])
def test_where_it_is_not_certain_the_update_copies(
    home: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "just published":
        monkeypatch.setattr(spare_file, "SETTLED_S", 1e9)
    elif why == "another file system":
        monkeypatch.setattr(spare_file, "file_system", lambda path: "nfs4")
    elif why == "nfs server":
        monkeypatch.setattr(spare_file, "NFS_SERVER", (home,))
    else:
        monkeypatch.setattr(spare_file, "SMALLEST_BYTES", 1 << 40)
    target = warehouse_path(home)
    is_taken = take_spare(target, home / "draft")
    build(home, models=FEW)

    assert is_taken == (why == "small")  # then it is there, and no new one is kept
    assert updated_from(home) == 2
    assert spare_path(target).exists() == (why == "just published")
    assert "first 3" in names(home)


def test_a_build_without_news_takes_the_published_file(home: Path) -> None:
    build(home, models=FEW)
    build(home, models=FEW)

    with connect(home) as connection:
        built = connection.execute("select updated_from, changed_tables from meta.build").fetchall()
    assert built == [(3, [])]


def test_a_clone_needs_no_spare(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cloned(source: Path, target: Path) -> bool:
        shutil.copyfile(source, target)
        return True

    spare_path(warehouse_path(home)).unlink()
    monkeypatch.setattr(draft_file, "clone_file", cloned)
    build(home, models=FEW)

    assert updated_from(home) == 2
    assert not spare_path(warehouse_path(home)).exists()


def test_a_clone_is_a_file_of_its_own_or_none(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 100_000)
    if clone_file(source, target):
        with target.open("r+b") as clone:
            clone.write(b"y")
        assert target.stat().st_size == 100_000
    assert source.read_bytes() == b"x" * 100_000


def test_a_system_without_leases_has_no_spare(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable_files, "IS_LINUX", False)
    build(home, models=FEW)

    assert updated_from(home) == 2
    assert "first 3" in names(home)


def test_a_full_disk_costs_the_spare_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(warehouse_build, "keep_versions", full)
        with pytest.raises(LakeError, match="The previous warehouse stays"):
            build(home, models=FEW)
    assert "first 2" in names(home)
    assert not [*home.glob(".warehouse-*")]

    build(home, models=FEW)
    assert "first 3" in names(home)


def test_a_damaged_spare_is_replaced_by_a_copy(home: Path) -> None:
    spare = spare_path(warehouse_path(home))
    spare.chmod(0o600)
    spare.write_bytes(b"no database" * 1000)
    build(home, models=FEW)

    assert "first 3" in names(home)


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_update_leaves_a_whole_version(
    home: Path, states: tuple[Path, list[list[Any]]], step: str
) -> None:
    """And the next one brings it up to date, whatever the killed one left."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home), step], check=False)
    assert killed.returncode == -9

    assert content(home) == states[1][2 if step.endswith("after") else 1]
    build(home, models=FEW)
    assert content(home) == states[1][2]
    assert [path.name for path in home.glob(".warehouse-*")] == [".warehouse-spare.duckdb"]
