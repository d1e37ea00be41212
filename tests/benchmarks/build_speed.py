"""What a build costs beside the load of its tables, an update and a start, as ratios of one run.

`BENCH_RUNS` runs (200,000 unless given) in a generated lake. Each step has a process of its own;
the ratios are of processor time, and of bytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from octane_flows.lake import Lake
from octane_flows.warehouse import warehouse_path
from tests.benchmarks import _volume
from tests.benchmarks._processes import Cost, cost_of, our_command
from tests.benchmarks._ratios import Ratio

RUNS = int(os.environ.get("BENCH_RUNS", "200000"))
CHANGED = 10_000
LOAD = """
import sys
from pathlib import Path
from octane_flows.lake import Lake
from octane_flows.warehouse import Warehouse
home = Path(sys.argv[1])
with Warehouse(home, full=True) as warehouse:
    warehouse.load()
"""


def measure() -> Iterator[str | Ratio]:
    """Processor time of each step, and the ratios."""
    size = f"{RUNS:,} runs"
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(os.environ.get("BENCH_HOME", scratch))
        if Lake(home / "lake").current() is None:
            _volume.publish(home, RUNS)
        environment = {"PATH": os.environ["PATH"], "OCTANE_HOME": str(home)}
        load = cost_of([sys.executable, "-c", LOAD, str(home)], environment)
        yield _line("load of the tables", load)
        full = our_command(home, "build", "--full")
        yield _line("full build", full)
        yield Ratio("full build by load of its tables", size, full.cpu_s / load.cpu_s)
        counted = our_command(home, "build", "--full", "--count")
        yield _line("full build that counts", counted)
        start = our_command(home, "query", "select 1 as answer")
        yield _line("query of nothing", start)
        yield Ratio(
            "build with nothing new by query", size, our_command(home, "build").cpu_s / start.cpu_s
        )
        flow = our_command(home, "flow", "planned_runs", "--param", "release_name=none")
        yield Ratio("flow without rows by query", size, flow.cpu_s / start.cpu_s)
        lake_bytes = _bytes(home / "lake")
        changed = np.sort(np.random.default_rng(1).choice(RUNS, CHANGED, replace=False)) + 1
        _volume.prepare_changed(home, RUNS, changed.tolist())()
        published = _bytes(home / "lake") - lake_bytes
        update = our_command(home, "build")
        yield _line(f"update by {CHANGED:,} changed runs", update)
        yield Ratio("update by full build", size, update.cpu_s / full.cpu_s)
        written = warehouse_path(home).stat().st_size
        yield Ratio("bytes of an update by bytes published", size, written / published)
        report = our_command(home, "report")
        yield _line("report", report)
        yield Ratio("report by load of the tables", size, report.cpu_s / load.cpu_s)


def _line(what: str, cost: Cost) -> str:
    times = f"{cost.cpu_s:>8.1f} s CPU {cost.wall_s:>8.1f} s"
    return f"{what:<32}{times} {cost.memory_mb:>8,.0f} MB at most"


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
