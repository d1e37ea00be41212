"""Merging the small files of 200 generations of 1,000 changed runs, and what it saves a reader."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from octane_flows.lake import Lake, compact
from octane_flows.warehouse import build, load_models
from tests.benchmarks._lakes import publish_runs

GENERATIONS = int(os.environ.get("BENCH_GENERATIONS", "200"))
CHANGED = 1_000
RUNS = 100_000


def measure() -> Iterator[str]:
    """Seconds of the merge, and of a full load of the tables before and after it."""
    few = [model for model in load_models() if model.name == "er.releases"]
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        publish_runs(home, np.arange(1, RUNS + 1))
        for _ in range(GENERATIONS):
            publish_runs(home, np.sort(rng.choice(RUNS, CHANGED, replace=False)) + 1)
        before = _seconds(lambda: build(home, full=True, models=few))
        start = time.perf_counter()
        done = compact(Lake(home / "lake"))
        merge = time.perf_counter() - start
        after = _seconds(lambda: build(home, full=True, models=few))
        yield (
            f"{done.files_before} files ({done.bytes_before / 1e6:.1f} MB) became "
            f"{done.files_after} in {merge:.1f} s"
        )
        yield (
            f"full load {before:.1f} s before and {after:.1f} s after: "
            f"{before / after:.1f} times as fast"
        )


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
