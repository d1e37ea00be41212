"""How far one machine goes: write, build, update and every flow at growing numbers of runs.

`BENCH_SCALES="1,10"` sets the millions of runs. Each step is a process of its own, for its own
peak of memory. Figures go to `docs/scale.csv`, their growth to `docs/scale.svg`; or to the folder
`BENCH_OUTPUT`. The lake is generated: how fast a server is read is not measured here.
"""

from __future__ import annotations

import csv
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from octane_flows.flows import list_flows
from octane_flows.warehouse import build, connect, warehouse_path
from octane_flows.warehouse.connect import CONFIG
from tests.benchmarks import _volume
from tests.benchmarks._calls import arguments

MILLIONS = [float(one) for one in os.environ.get("BENCH_SCALES", "1,10").split(",")]
OUTPUT = Path(os.environ.get("BENCH_OUTPUT", Path(__file__).resolve().parents[2] / "docs"))
CHANGED = 10_000
MEMORY = "6GB"  # of DuckDB, as in warehouse_update
COLUMNS = ("runs", "step", "seconds", "memory_gb", "lake_mb", "warehouse_mb")
Figures = dict[str, float | str]


def measure() -> Iterator[str]:
    """Seconds, memory and bytes of each step at each scale."""
    figures: list[Figures] = []
    for runs in sorted(round(one * 1e6) for one in MILLIONS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            for name, step in STEPS.items():
                seconds, memory_gb = _apart(step, home, runs)
                lake = sum(one.stat().st_size for one in (home / "lake").rglob("*.parquet"))
                held = warehouse_path(home)
                warehouse = held.stat().st_size if held.is_file() else 0
                values = (runs, name, seconds, memory_gb, lake / 1e6, warehouse / 1e6)
                figures.append(dict(zip(COLUMNS, values, strict=True)))
                yield (
                    f"{runs:>12,} runs  {name:<18} {seconds:>9.2f} s {memory_gb:>6.1f} GB of memory"
                    f" {lake / 1e6:>9,.0f} MB lake {warehouse / 1e6:>9,.0f} MB warehouse"
                )
        _keep(figures)


def _write(home: Path, runs: int) -> None:
    _volume.publish(home, runs)


def _build(home: Path, _: int) -> None:
    build(home, full=True)


def _publish_changed(home: Path, runs: int) -> None:
    rng = np.random.default_rng(1)
    changed = min(CHANGED, runs // 10)
    ids = (np.sort(rng.choice(runs, changed, replace=False)) + 1).tolist()
    _volume.publish_changed(home, runs, ids)


def _update(home: Path, _: int) -> None:
    build(home)


def _flows(home: Path, _: int) -> None:
    with connect(home) as connection:
        for flow in list_flows():
            call = f"from {flow.name}({arguments(flow.slug)})"
            connection.sql(call).to_arrow_table()


STEPS: dict[str, Callable[[Path, int], None]] = {
    "write the lake": _write,
    "full build": _build,
    "publish changes": _publish_changed,
    "update by changes": _update,
    "every flow once": _flows,
}


def _apart(step: Callable[[Path, int], None], home: Path, runs: int) -> tuple[float, float]:
    """Seconds and peak memory (GB) of a step in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_timed, step, home, runs).result()


def _timed(step: Callable[[Path, int], None], home: Path, runs: int) -> tuple[float, float]:
    CONFIG["memory_limit"] = MEMORY
    start = time.perf_counter()
    step(home, runs)
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _keep(figures: list[Figures]) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with (OUTPUT / "scale.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for one in figures:
            writer.writerow(
                {name: f"{v:.2f}" if isinstance(v, float) else v for name, v in one.items()}
            )
    (OUTPUT / "scale.svg").write_text(_plot(figures), encoding="utf-8")


def _plot(figures: list[Figures]) -> str:
    lines = alt.Chart(pd.DataFrame(figures)).mark_line(point=True)
    runs = alt.X("runs:Q", scale=alt.Scale(type="log"), title="runs")
    step = alt.Color("step:N", sort=list(STEPS), title=None)
    seconds = alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds")
    memory = alt.Y("memory_gb:Q", title="GB of memory at most")
    chart = alt.hconcat(
        *(lines.encode(x=runs, y=y, color=step).properties(width=320) for y in (seconds, memory))
    )
    text: str = vl_convert.vegalite_to_svg(chart.to_json())
    return text
