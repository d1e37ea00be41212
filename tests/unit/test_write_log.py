"""A program that opened the published warehouse for writing keeps nobody out of the next one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from octane_flows.errors import LakeError
from octane_flows.lake import Lake
from octane_flows.warehouse import build, connect, load_models, warehouse_path
from octane_flows.warehouse.workspace_choice import choice_in
from tests.golden import kit

MODELS = [model for model in load_models() if model.name == "er.releases"]
#: What a shell does that opens a file for writing and is killed.
KILLED_WRITER = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("create table mine as select 1 as one")
os._exit(1)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "first"}]})
    build(tmp_path, models=MODELS, workspaces=["1002"])
    path = warehouse_path(tmp_path)
    assert path.stat().st_mode & 0o222 == 0, "the published file is read-only"
    path.chmod(0o600)
    subprocess.run([sys.executable, "-c", KILLED_WRITER, str(path)], check=False)
    assert path.with_name("warehouse.duckdb.wal").exists()
    return tmp_path


@pytest.mark.parametrize("is_full", [True, False])
def test_a_build_publishes_without_the_log_that_was_left_behind(home: Path, is_full: bool) -> None:
    build(home, models=MODELS, full=is_full)

    with connect(home) as connection:
        assert connection.sql("select release_name from er.releases").fetchall() == [("first",)]
        tables = "select count(*) from duckdb_tables() where table_name = 'mine'"
        assert connection.sql(tables).fetchall() == [(0,)]
    assert [path.name for path in home.glob("*.wal")] == []
    assert choice_in(warehouse_path(home)) == ("1002",), "the build still knew its workspaces"


def test_the_next_generation_is_published_too(home: Path) -> None:
    kit.write_lake(home, {"release": [{"id": "6", "name": "second"}]}, lake=Lake(home / "lake"))

    build(home, models=MODELS)

    with connect(home) as connection:
        assert connection.sql("select count(*) from er.releases").fetchall() == [(2,)]


def test_the_remedy_for_a_log_of_another_file_helps(home: Path) -> None:
    path = warehouse_path(home)
    log = path.with_name("warehouse.duckdb.wal")
    content = log.read_bytes()
    build(home, models=MODELS, full=True)
    log.write_bytes(content)
    with pytest.raises(LakeError, match=r"warehouse\.duckdb\.wal behind.*octane-flows build"):
        connect(home)

    build(home, models=MODELS)

    with connect(home) as connection:
        assert connection.sql("select count(*) from er.releases").fetchall() == [(1,)]
