"""The warehouse after 10,000 changed runs of a million, beside a full rebuild in the same run.

`BENCH_RUNS=10000000` measures ten million; `BENCH_REPEATS` sets how often. Bytes
are those that the process wrote to the disk, as the operating system counts them.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil

from octane_flows.warehouse import build, warehouse_path
from tests.benchmarks._lakes import publish_runs

RUNS = int(os.environ.get("BENCH_RUNS", "1000000"))
CHANGED = 10_000
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))


def measure() -> Iterator[str]:
    """Seconds and bytes written of a rebuild, of an update, and of one without any change."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        publish_runs(home, np.arange(1, RUNS + 1))
        rebuilt = [_cost(lambda: build(home, full=True)) for _ in range(REPEATS)]
        updated, unchanged, published = [], [], []
        for _ in range(REPEATS):
            ids = np.sort(rng.choice(RUNS, CHANGED, replace=False)) + 1
            published.append(_cost(lambda ids=ids: publish_runs(home, ids)))  # type: ignore[misc]
            updated.append(_cost(lambda: build(home)))
            publish_runs(home, ids, empty=True)
            unchanged.append(_cost(lambda: build(home)))
        peer = _median(rebuilt)
        size = warehouse_path(home).stat().st_size / 1e6
        yield f"{RUNS:,} runs, a warehouse of {size:,.0f} MB, median of {REPEATS}:"
        for name, found in (
            ("full rebuild", rebuilt),
            (f"publish of {CHANGED:,} changed runs", published),
            (f"update by {CHANGED:,} changed runs", updated),
            ("update without a change", unchanged),
        ):
            seconds, written = _median(found), statistics.median(one[1] for one in found)
            yield (
                f"  {name:<32} {seconds:>7.2f} s, {written / 1e6:>7.1f} MB written; "
                f"the rebuild takes {peer / seconds:.1f} times as long"
            )


def _cost(call: Callable[[], object]) -> tuple[float, float]:
    process = psutil.Process()
    before, start = process.io_counters().write_bytes, time.perf_counter()
    call()
    return time.perf_counter() - start, process.io_counters().write_bytes - before


def _median(found: list[tuple[float, float]]) -> float:
    return statistics.median(one[0] for one in found)
