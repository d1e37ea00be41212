"""The warehouse after 10,000 changed runs of a million, beside a full rebuild in the same run.

The lake has all that belongs to runs: tests with their last runs, releases, builds, environments,
users. `BENCH_RUNS=10000000` measures ten million, `BENCH_REPEATS` sets how often. Bytes are those
that the process wrote to the disk, as the operating system counts them.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil

from octane_flows.warehouse import build, connect, warehouse_path
from octane_flows.warehouse.duckdb_file import CONFIG
from tests.benchmarks import _volume

RUNS = int(os.environ.get("BENCH_RUNS", "1000000"))
CHANGED = 10_000
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
MEMORY = "6GB"  # of DuckDB, which takes what it finds: so much has a small server
Costs = list[tuple[float, float]]


def measure() -> Iterator[str]:
    """Seconds and bytes written of a rebuild, of an update, and of one without any change."""
    rng = np.random.default_rng(1)
    CONFIG["memory_limit"] = MEMORY
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _volume.publish(home, RUNS)
        rebuilt, published, updated, unchanged = _runs(home, rng)
        peer = _median(rebuilt)
        size = warehouse_path(home).stat().st_size / 1e6
        yield f"{RUNS:,} runs, a warehouse of {size:,.0f} MB, median of {REPEATS}:"
        for name, costs in (
            ("full rebuild", rebuilt),
            (f"publish of {CHANGED:,} changed runs", published),
            (f"update by {CHANGED:,} changed runs", updated),
            ("update without a change", unchanged),
        ):
            seconds, written = _median(costs), statistics.median(one[1] for one in costs)
            yield (
                f"  {name:<32} {seconds:>7.2f} s, {written / 1e6:>7.1f} MB written; "
                f"the rebuild takes {peer / seconds:.1f} times as long"
            )
        with connect(home) as connection:
            last_runs = connection.execute("select count(*) from er.last_runs").fetchall()[0][0]
            failed = connection.execute(
                "select check_name from meta.checks where not is_passed order by 1"
            ).fetchall()
        broken = ", ".join(one[0] for one in failed) or "none"
        yield f"  {last_runs:,} last runs; checks that failed: {broken}"
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        yield f"  {memory:.1f} GB of memory at most"


def _runs(home: Path, rng: np.random.Generator) -> tuple[Costs, Costs, Costs, Costs]:
    rebuilt = [_cost(lambda: build(home, full=True)) for _ in range(REPEATS)]
    published, updated, unchanged = [], [], []
    for _ in range(REPEATS):
        ids = (np.sort(rng.choice(RUNS, CHANGED, replace=False)) + 1).tolist()
        published.append(_cost(_volume.prepare_changed(home, RUNS, ids)))
        updated.append(_cost(lambda: build(home)))
        _volume.prepare_changed(home, RUNS, [])()
        unchanged.append(_cost(lambda: build(home)))
    return rebuilt, published, updated, unchanged


def _cost(call: Callable[[], object]) -> tuple[float, float]:
    process = psutil.Process()
    before, start = process.io_counters().write_bytes, time.perf_counter()
    call()
    return time.perf_counter() - start, process.io_counters().write_bytes - before


def _median(costs: Costs) -> float:
    return statistics.median(cost[0] for cost in costs)
