"""Every command over a damaged warehouse or lake: one sentence, nothing lost, a remedy that helps.

A table of damages is tried over all commands that read the data folder; the sentences name what
helps, and the tests do so. The warehouse has few models, so that a build takes a second.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import typer

from octane_flows import cli
from octane_flows.warehouse.incremental import build_start
from tests.hostile.conftest import Ended, HostileSite, few_models, warehouse_file
from tests.hostile.folder_commands import LAKE_COMMANDS, OTHERS, READERS
from tests.hostile.small_workspace import respond_with

Damage = Callable[[Path], object]


def overwrite(
    path: Path, start: int, content: Callable[[int], bytes], length: int = 1 << 30
) -> None:
    body = bytearray(path.read_bytes())
    size = len(body[start : start + length])
    body[start : start + size] = content(size)
    path.chmod(0o600)
    path.write_bytes(body)


def cut(path: Path, length: int) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:length])


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def in_its_place(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def other_database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema meta; create table meta.notes as select 1 as note")


def write_a_text(path: Path) -> None:
    path.write_text("text", encoding="utf-8")


#: What may stand in the place of the warehouse, and whether `build` alone mends it.
WAREHOUSES: dict[str, tuple[Damage, bool]] = {
    "nothing": (lambda home: warehouse_file(home).unlink(), True),
    "empty": (lambda home: cut(warehouse_file(home), 0), True),
    "cut": (lambda home: cut(warehouse_file(home), 4096), True),
    "zeros for a header": (lambda home: overwrite(warehouse_file(home), 0, bytes, 4096), True),
    "noise behind the headers": (lambda home: overwrite(warehouse_file(home), 12288, noise), True),
    "an empty database": (
        lambda home: in_its_place(warehouse_file(home), lambda it: duckdb.connect(str(it)).close()),
        True,
    ),
    "another database": (lambda home: in_its_place(warehouse_file(home), other_database), True),
    "a text": (lambda home: in_its_place(warehouse_file(home), write_a_text), True),
    "a log of another program": (
        lambda home: warehouse_file(home).with_suffix(".duckdb.wal").write_bytes(b"x" * 500),
        True,
    ),
    "a folder for a log": (
        lambda home: warehouse_file(home).with_suffix(".duckdb.wal").mkdir(),
        False,
    ),
    "a folder": (lambda home: in_its_place(warehouse_file(home), Path.mkdir), False),
    "a pipe": (lambda home: in_its_place(warehouse_file(home), os.mkfifo), True),
    "a link to nothing": (
        lambda home: in_its_place(warehouse_file(home), lambda it: it.symlink_to("nothing")),
        True,
    ),
}  # fmt: skip


def pointer(home: Path) -> Path:
    return home / "lake/CURRENT"


def manifest(home: Path) -> Path:
    return max((home / "lake/generations").iterdir())


def part(home: Path) -> Path:
    return max((home / "lake/parts").glob("*files*"))


#: What happens to files that say what the lake has; `go-back` mends all of it.
DESCRIPTIONS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "pointer missing": (pointer, Path.unlink),
    "pointer empty": (pointer, lambda it: it.write_bytes(b"")),
    "pointer a text": (pointer, lambda it: it.write_text("hello")),
    "pointer of bytes": (pointer, lambda it: it.write_bytes(b"\xff\xfe\0")),
    "manifest missing": (manifest, Path.unlink),
    "manifest cut": (manifest, lambda it: cut(it, 100)),
    "manifest null": (manifest, lambda it: it.write_text("null")),
    "manifest of another form": (manifest, lambda it: it.write_text("{}")),
    "manifest of noise": (manifest, lambda it: it.write_bytes(noise(500))),
    "manifest a folder": (manifest, lambda it: in_its_place(it, Path.mkdir)),
    "manifest a pipe": (manifest, lambda it: in_its_place(it, os.mkfifo)),
    "part missing": (part, Path.unlink),
    "part cut": (part, lambda it: cut(it, 50)),
}
DATA_FILES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda it: cut(it, 0),
    "cut": lambda it: cut(it, 300),
    "of noise": lambda it: overwrite(it, 100, noise, 300),
    "a folder": lambda it: in_its_place(it, Path.mkdir),
    "a pipe": lambda it: in_its_place(it, os.mkfifo),
}


@pytest.fixture
def damaged(
    site: HostileSite, two_generations: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostileSite]:
    """The site over a copy of that folder, with few models for each build."""
    shutil.rmtree(site.home)
    shutil.copytree(two_generations, site.home)
    monkeypatch.chdir(site.home)
    monkeypatch.setenv("OCTANE_WEBHOOK", "http://127.0.0.1:9/letter")
    site.server.respond = respond_with()
    monkeypatch.setattr("octane_flows.warehouse.warehouse_build.load_models", few_models)
    monkeypatch.setattr("octane_flows.reports.write", lambda home: home / "report.html")
    yield site
    shutil.rmtree(site.home, ignore_errors=True)


def require_one_sentence(ended: Ended, what: str) -> None:
    """A failure is one sentence that ends with a full stop, and no traceback."""
    assert "Traceback" not in ended.messages, f"{what}: {ended.messages}"
    assert ended.code in (0, 1, 2, 3), f"{what}: {ended.code}: {ended.messages}"
    sentences = [line for line in ended.messages.splitlines() if line.startswith("octane-flows: ")]
    assert len(sentences) == (ended.code in (1, 2)), f"{what}: {ended.code}: {ended.messages}"
    for sentence in sentences:
        assert 40 < len(sentence) < 600, what
        assert re.search(r"[.\w]$", sentence), what


def test_every_command_is_in_one_of_the_tables() -> None:
    command = typer.main.get_command(cli.app)
    assert {*READERS, *LAKE_COMMANDS, *OTHERS} == set(getattr(command, "commands", {}))


@pytest.mark.parametrize("name", WAREHOUSES)
def test_commands_over_a_damaged_warehouse(damaged: HostileSite, name: str) -> None:
    damage, build_helps = WAREHOUSES[name]
    damage(damaged.home)
    before = damaged.state()

    for reader, arguments in READERS.items():
        ended = damaged.run(*arguments)
        if reader in ("er", "status") and ended.code == 0:  # they have more to tell
            assert "warehouse" in ended.messages
            continue
        require_one_sentence(ended, reader)
        assert ended.code in (1, 2), f"{reader}: {ended.messages}"
        remedies = ("octane-flows build", "octane-flows run", "move or delete")
        assert any(remedy in ended.messages for remedy in remedies), f"{reader}: {ended.messages}"
    assert damaged.state() == before

    built = damaged.run("build")
    if not build_helps:
        require_one_sentence(built, "build")
        assert "move or delete it" in built.messages
        for path in damaged.home.glob("warehouse.duckdb*"):
            if path.is_dir():
                path.rmdir()
        built = damaged.run("build")
    assert built.code == 0, built.messages
    assert damaged.run(*READERS["query"]).code == 0
    assert damaged.run(*READERS["status"]).code == 0


def test_a_warehouse_that_is_damaged_within_is_built_anew(
    damaged: HostileSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Corrupt database file: computed checksum 1 does not match stored checksum 2"
    tried: list[str] = []

    def read_previous(*_: object) -> None:
        tried.append("update")
        raise duckdb.IOException(text)

    monkeypatch.setattr(build_start, "read_previous_build", read_previous)

    assert damaged.run("build").code == 0
    assert tried == ["update"]
    assert damaged.run(*READERS["query"]).code == 0


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_commands_over_a_lake_whose_description_is_damaged(damaged: HostileSite, name: str) -> None:
    choose, damage = DESCRIPTIONS[name]
    path = choose(damaged.home)
    damage(path)
    before = damaged.state()

    for command, arguments in LAKE_COMMANDS.items():
        ended = damaged.run(*arguments)
        if command in ("doctor", "check"):  # they list what they find
            assert ended.code in (0, 1), ended.messages
            assert "Traceback" not in ended.messages
            continue
        require_one_sentence(ended, command)
        if command in ("extract", "census", "sweep", "build", "run", "history", "compact"):
            assert ended.code in (1, 2), f"{command}: {ended.messages}"
    assert damaged.state() == before

    assert damaged.run("check").code == 1
    if path.is_dir():
        path.rmdir()
    elif path.exists() and not path.is_file():
        path.unlink()
    went_back = damaged.run("go-back")
    assert went_back.code == 0, went_back.messages
    assert damaged.run("extract").code == 0
    assert damaged.run("build").code == 0
    assert damaged.run("check").code == 0
    after = damaged.state()
    if path == pointer(damaged.home):  # all generations are still there
        assert {file for file in before if "/data/" in file} <= after.keys()


@pytest.mark.parametrize("name", DATA_FILES)
def test_a_damaged_data_file_is_read_again(damaged: HostileSite, name: str) -> None:
    path = max((damaged.home / "lake/data/2/defect").iterdir())
    DATA_FILES[name](path)

    for command in ("history", "query", "census", "status", "generations"):
        ended = damaged.run(*LAKE_COMMANDS[command])
        require_one_sentence(ended, command)
    checked = damaged.run("check")
    assert checked.code == 1
    assert path.name in checked.messages

    mended = damaged.run("extract", "--full", "defect")
    assert mended.code == 0, mended.messages
    assert damaged.run("build").code == 0
    assert damaged.run("expire", "--keep", "1").code == 0
    assert damaged.run("check").code == 0
