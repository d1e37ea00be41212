"""Files that killed processes left next to a warehouse are deleted; other files stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from octane_flows.lake.leftovers import delete_leftovers, process_tag
from octane_flows.warehouse import build, load_models, warehouse_path
from tests.golden import kit

FEW = [model for model in load_models() if model.name == "er.releases"]
KILLED = """
import os, sys
from pathlib import Path
from octane_flows.warehouse import load_models
from octane_flows.warehouse.warehouse_build import Warehouse
few = [model for model in load_models() if model.name == "er.releases"]
with Warehouse(Path(sys.argv[1]), models=few):
    os.kill(os.getpid(), 9)
"""


def test_a_build_deletes_the_files_of_a_killed_build(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "r"}]})
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert list(tmp_path.glob(".warehouse-*"))

    build(tmp_path, models=FEW)
    assert warehouse_path(tmp_path).is_file()
    assert not list(tmp_path.glob(".warehouse-*"))


def test_files_of_running_processes_and_of_other_machines_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "node")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    other_hosts = ["super-node", "super.node", "node-2", f"node.{ended.pid}", "elsewhere"]
    stay = [
        f".w-1-{process_tag()}.duckdb",
        *(f".w-1-@{host}@{ended.pid}.duckdb" for host in other_hosts),
        ".w-lock",
        ".w-1-7",
    ]
    leftovers = [f".w-1-@node@{ended.pid}.duckdb", f".w-1-@node@{ended.pid}.duckdb.wal"]
    for name in (*stay, *leftovers):
        (tmp_path / name).touch()
    folder = tmp_path / f".w-@node@{ended.pid}"
    (folder / "octane").mkdir(parents=True)

    delete_leftovers(tmp_path, ".w-")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(stay)
