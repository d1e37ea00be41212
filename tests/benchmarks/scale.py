"""How far one machine goes: load, refresh, build, update and every flow at growing numbers of runs.

`BENCH_SCALES="1,10"` sets the millions of runs. `BENCH_STEPS="full build,update"` takes some of the
steps alone, which go on in the folder `BENCH_HOME`; it goes away unless given. Each step is a
process of its own, for its own peak of memory. Figures take the place of older ones in
`docs/scale.csv`, or in the folder `BENCH_OUTPUT`; `make docs` tells and draws them. Loaded are runs
alone, from the page server of `first_load`; built is a generated lake, which has all that belongs
to them.
"""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octane_flows import refresh
from octane_flows.questions import list_questions
from octane_flows.warehouse import build, connect, warehouse_path
from octane_flows.warehouse.duckdb_file import CONFIG
from tests.benchmarks import _volume
from tests.benchmarks._calls import arguments
from tests.benchmarks._loaders import settings
from tests.benchmarks._page_server import CHANGED, ENTITY, serving
from tests.pages.operations import COLUMNS, Figures, read_figures

MILLIONS = [float(one) for one in os.environ.get("BENCH_SCALES", "1,10").split(",")]
OUTPUT = Path(os.environ.get("BENCH_OUTPUT", Path(__file__).resolve().parents[2] / "docs"))
MEMORY = "6GB"  # of DuckDB, as in warehouse_update


@dataclass(frozen=True)
class Scale:
    """What a step works with: the server, and the data folders of the read and the built lake."""

    runs: int
    url: str
    read: Path
    built: Path


def measure() -> Iterator[str]:
    """Seconds, memory and bytes of each step at each scale."""
    steps = os.environ.get("BENCH_STEPS", ",".join(STEPS)).split(",")
    for runs in sorted(round(one * 1e6) for one in MILLIONS):
        with tempfile.TemporaryDirectory() as scratch, serving(runs, 0) as url:
            folder = Path(os.environ.get("BENCH_HOME", scratch)) / str(runs)
            scale = Scale(runs, url, folder / "read", folder / "built")
            for name in steps:
                home, seconds, memory_gb, spilled_mb = _apart(STEPS[name], scale)
                lake_mb = (
                    sum(one.stat().st_size for one in (home / "lake").rglob("*.parquet")) / 1e6
                )
                built = warehouse_path(home)
                warehouse_mb = built.stat().st_size / 1e6 if built.is_file() else 0
                values = (runs, name, seconds, memory_gb, lake_mb, warehouse_mb, spilled_mb)
                _keep(dict(zip(COLUMNS, values, strict=True)))
                yield (
                    f"{runs:>12,} runs  {name:<18} {seconds:>9.2f} s {memory_gb:>6.1f} GB of memory"
                    f" {lake_mb:>9,.0f} MB lake {warehouse_mb:>9,.0f} MB warehouse"
                    f" {spilled_mb:>9,.0f} MB spilled at most"
                )


#: A step makes ready what is not measured; gives the data folder and what is.
Step = Callable[[Scale], tuple[Path, Callable[[], object]]]


def _extract(scale: Scale) -> tuple[Path, Callable[[], object]]:
    connection = settings(scale.url, scale.read)
    return scale.read, lambda: refresh.update_lake(connection, only=[ENTITY])


def _write(scale: Scale) -> tuple[Path, Callable[[], object]]:
    return scale.built, lambda: _volume.publish(scale.built, scale.runs)


def _build(scale: Scale) -> tuple[Path, Callable[[], object]]:
    return scale.built, lambda: build(scale.built, full=True)


def _publish_changed(scale: Scale) -> tuple[Path, Callable[[], object]]:
    rng = np.random.default_rng(1)
    changed = min(CHANGED, scale.runs // 10)
    ids = (np.sort(rng.choice(scale.runs, changed, replace=False)) + 1).tolist()
    return scale.built, _volume.prepare_changed(scale.built, scale.runs, ids)


def _update(scale: Scale) -> tuple[Path, Callable[[], object]]:
    return scale.built, lambda: build(scale.built)


def _flows(scale: Scale) -> tuple[Path, Callable[[], object]]:
    def ask() -> None:
        with connect(scale.built) as connection:
            for flow in list_questions("flow"):
                call = f"from {flow.name}({arguments(flow.slug)})"
                connection.sql(call).to_arrow_table()

    return scale.built, ask


STEPS: dict[str, Step] = {
    "load": _extract,
    "refresh": _extract,
    "write the lake": _write,
    "full build": _build,
    "publish": _publish_changed,
    "update": _update,
    "every flow once": _flows,
}


def _apart(step: Step, scale: Scale) -> tuple[Path, float, float, float]:
    """A step in a new process: its data folder, seconds, peak memory (GB) and peak spill (MB)."""
    spilled = 0
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        done = pool.submit(_timed, step, scale)
        while not wait([done], timeout=1).done:
            spilled = max(spilled, _spilled(scale.built))
    return *done.result(), spilled / 1e6


def _spilled(home: Path) -> int:
    """Bytes on the disk of what DuckDB put there because memory did not hold it."""
    spilled_bytes = 0
    for file in home.glob(".warehouse*.tmp/*"):
        with suppress(FileNotFoundError):  # gone since it was listed
            spilled_bytes += file.stat().st_blocks * 512
    return spilled_bytes


def _timed(step: Step, scale: Scale) -> tuple[Path, float, float]:
    CONFIG["memory_limit"] = MEMORY
    home, call = step(scale)
    start = time.perf_counter()
    call()
    seconds = time.perf_counter() - start
    return home, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _keep(figure: Figures) -> None:
    """Put the figure in its place among those that are kept."""
    file = OUTPUT / "scale.csv"
    by_place = {(read["runs"], read["step"]): read for read in read_figures(file)}
    by_place[figure["runs"], figure["step"]] = figure
    steps = list(STEPS)
    kept = sorted(
        by_place.values(), key=lambda read: (read["runs"], steps.index(str(read["step"])))
    )
    rows: list[dict[str, str]] = []
    for kept_figure in kept:
        names = [name for name in COLUMNS[2:] if not math.isnan(float(kept_figure[name]))]
        numbers = {name: f"{kept_figure[name]:.2f}" for name in names}
        rows.append(
            {"runs": f"{kept_figure['runs']:.0f}", "step": str(kept_figure["step"]), **numbers}
        )
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
