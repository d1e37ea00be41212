"""A first load of 200,000 runs (25 fields, 4 of them links, 1.5 KB each), beside its peers.

The peers load the same pages from the same server in the same run: dlt's `rest_api` source to
Parquet as it comes, dlt fed with Arrow by hand, and fetching alone. Each load has a process of its
own; the figures are medians. `BENCH_RUNS` and `BENCH_REPEATS` make it shorter.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import _loaders
from tests.benchmarks._page_server import serving
from tests.benchmarks._ratios import Ratio

RUNS = int(os.environ.get("BENCH_RUNS", "200000"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
LATENCIES_MS = (0, 50)


def measure() -> Iterator[str | Ratio]:
    """Records a second, CPU and memory of each way, and how often ours goes into the peers'."""
    ways = list(_loaders.WAYS)
    if importlib.util.find_spec("dlt") is None:
        yield "dlt is not installed (pip install -e '.[bench]'), so it is no peer in this run"
        ways = [way for way in ways if not way.startswith("dlt")]
    for latency_ms in LATENCIES_MS:
        figures: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        with serving(RUNS, latency_ms) as url:
            for way in ways:  # the server renders each page once, when it is first asked for
                if way != "dlt_rest_api":  # it asks for the same pages as dlt_arrow
                    _load(way, url)
            for _ in range(REPEATS):
                for way in ways:
                    figures[way].append(_load(way, url))
        yield f"{RUNS:,} runs at {latency_ms} ms, median of {REPEATS}:"
        ours = _speed(figures["octane_flows"])
        for way in ways:
            speed = _speed(figures[way])
            cpu = statistics.median(
                figure["cpu_seconds"] / figure["rows"] * 1e6 for figure in figures[way]
            )
            memory = statistics.median(figure["megabytes"] for figure in figures[way])
            yield (
                f"  {way:<13} {speed:>8,.0f} records/s, {cpu:>6.1f} CPU s a million, "
                f"{memory:>5.0f} MB at most; octane_flows is {ours / speed:.1f} times as fast"
            )
        if "dlt_rest_api" in ways:
            size = f"{RUNS:,} runs at {latency_ms} ms"
            ratio = _speed(figures["dlt_rest_api"]) / ours
            yield Ratio("first load by dlt as it comes", size, ratio)


def _load(way: str, url: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home:
        return _loaders.run(way, url, Path(home))


def _speed(figures: list[dict[str, float]]) -> float:
    return statistics.median(figure["rows"] / figure["seconds"] for figure in figures)
