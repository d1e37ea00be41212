"""Rows a second that `serve` answers as CSV, JSON and OData, beside pandas in the same process.

`BENCH_RUNS`: automated runs, by default 100,000. Each form is read whole over HTTP from loopback;
the peer reads the same rows from the same warehouse and writes them into a string. The ratio is of
the rows a second.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import httpx
import numpy as np

from octane_flows import warehouse
from octane_flows.warehouse import warehouse_path
from tests.benchmarks._lakes import publish_runs
from tests.benchmarks._ratios import Ratio
from tests.served import serving

RUNS = int(os.environ.get("BENCH_RUNS", "100000"))
ROUNDS = 3
QUESTION = "metric.test_outcomes"
TABLE = "er.automated_results"


def measure() -> Iterator[str | Ratio]:
    """Rows a second of each form, the best of some rounds, and the ratio to the peer's."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        publish_runs(home, np.arange(1, RUNS + 1))
        warehouse.build(home)
        with serving(home) as client:
            for name, ours, peer in (
                ("CSV", lambda: _csv(client), lambda: _pandas(home, f"from {QUESTION}()", "csv")),
                (
                    "JSON",
                    lambda: _json(client),
                    lambda: _pandas(home, f"from {QUESTION}()", "json"),
                ),
                ("OData", lambda: _odata(client), lambda: _pandas(home, f"from {TABLE}", "json")),
            ):
                served, alone = _best(ours), _best(peer)
                yield f"{name:<6} {served:>10,.0f} rows/s, pandas {alone:>10,.0f} rows/s"
                yield Ratio(f"{name} of serve by pandas", f"{RUNS:,} runs", served / alone)


def _best(read: Callable[[], int]) -> float:
    speeds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        rows = read()
        speeds.append(rows / (time.perf_counter() - start))
    return max(speeds)


def _csv(client: httpx.Client) -> int:
    answer = client.get("/metric/test_outcomes.csv").raise_for_status()
    return answer.content.count(b"\n") - 1


def _json(client: httpx.Client) -> int:
    return len(client.get("/metric/test_outcomes.json").raise_for_status().json()["rows"])


def _odata(client: httpx.Client) -> int:
    rows, address = 0, "/odata/er_automated_results"
    while address:
        answer = client.get(address).raise_for_status().json()
        rows += len(answer["value"])
        address = answer.get("@odata.nextLink", "")
    return rows


def _pandas(home: Path, sql: str, form: str) -> int:
    with duckdb.connect(str(warehouse_path(home)), read_only=True) as connection:
        frame = connection.sql(sql).df()
    text = io.StringIO()
    if form == "csv":
        frame.to_csv(text, index=False)
    else:
        frame.to_json(text, orient="records", date_format="iso")
    return len(frame)
