"""What killed processes left beside a warehouse goes; what others are at work on stays."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from octane_flows.lake.leftovers import owner, sweep
from octane_flows.warehouse import build, load_models, warehouse_path
from tests.golden import kit

FEW = [model for model in load_models() if model.name == "er.releases"]
KILLED = """
import os, sys
from pathlib import Path
from octane_flows.warehouse import load_models
from octane_flows.warehouse.warehouse_build import Warehouse
few = [one for one in load_models() if one.name == "er.releases"]
with Warehouse(Path(sys.argv[1]), models=few):
    os.kill(os.getpid(), 9)
"""


def test_a_build_deletes_what_a_killed_one_left(tmp_path: Path) -> None:
    kit.write_lake(tmp_path, {"release": [{"id": "5", "name": "r"}]})
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -9
    assert list(tmp_path.glob(".warehouse-*"))

    build(tmp_path, models=FEW)
    assert warehouse_path(tmp_path).is_file()
    assert not list(tmp_path.glob(".warehouse-*"))


def test_what_processes_are_at_work_on_stays(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    here = socket.gethostname()
    stay = [f".w-1-{owner()}.duckdb", f".w-1-elsewhere.{ended.pid}.duckdb", ".w-lock", ".w-1-7"]
    go = [f".w-1-{here}.{ended.pid}.duckdb", f".w-1-{here}.{ended.pid}.duckdb.wal"]
    for name in (*stay, *go):
        (tmp_path / name).touch()
    folder = tmp_path / f".w-{here}.{ended.pid}"
    (folder / "octane").mkdir(parents=True)

    sweep(tmp_path, ".w-")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(stay)
