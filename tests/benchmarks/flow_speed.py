"""Every flow and metric on a large warehouse, beside the same SQL over the raw Parquet and pandas.

`BENCH_RUNS` sets the number of runs (default 1,000,000), `BENCH_REPEATS` the calls of
each, `BENCH_HOME` a folder whose lake and warehouse are made once and kept. A flow whose
defaults ask for everything is called as in daily work; the parameters stand in the table.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import psutil

from octane_flows.flows import list_flows, list_metrics
from octane_flows.lake import Lake, TableEntry
from octane_flows.warehouse import build, connect, load_models, open_file, warehouse_path
from octane_flows.warehouse.functions import create_functions
from octane_flows.warehouse.load import SCHEMAS, create_schemas, literal, quoted
from octane_flows.warehouse.macros import create_statements
from octane_flows.warehouse.user_defined import create_user_defined_values
from tests.benchmarks import _volume

RUNS = int(os.environ.get("BENCH_RUNS", "1000000"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "9"))
PEER_REPEATS = 3
THREADS = 2
# what people ask day by day, where the defaults mean the whole history of the workspace
CALLS = {
    "failed_automated_runs": "hours := 24",
    "failed_previous_runs": "days := 7",
    "release_runs_with_environments": "release_name := 'Release 20', "
    "status_codes := 'list_node.run_status.failed'",
    "planned_runs": "release_name := 'Release 20'",
    "tests_to_put_into_suite": "application_module_name := 'Module 7'",
    "manual_tests_without_run": "application_module_name := 'Module 7'",
    "manual_test_steps_and_attachments": "test_id := '80'",
    "reported_builds": "pipeline_name := 'pipeline 7'",
    "descendants_of_items": "root_ids := '30000001'",
}


def measure() -> Iterator[str]:
    """Milliseconds of each flow and metric, with the same SQL over Parquet and pandas beside."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(os.environ.get("BENCH_HOME", scratch))
        yield from _prepare(home)
        yield (
            f"{RUNS:,} runs, {max(RUNS // 50, 100):,} tests, {THREADS} threads; milliseconds, "
            f"{REPEATS} calls; CPU is that of the median call"
        )
        titles = "".join(f"{one:>9}" for one in ("rows", "median", "p95", "CPU", "Parquet"))
        yield f"  {'query':<40}{titles}  ratio"
        with connect(home) as held, _raw(home) as raw:
            for connection in (held, raw):
                connection.execute(f"set threads = {THREADS}")
            for asked in (*list_flows(), *list_metrics()):
                yield _line(held, raw, asked.name, CALLS.get(asked.slug, ""))
        yield from _pandas(home)


def _prepare(home: Path) -> Iterator[str]:
    if Lake(home / "lake").current() is None:
        start = time.perf_counter()
        _volume.publish(home, RUNS)
        yield f"lake written in {time.perf_counter() - start:.0f} s"
    if not warehouse_path(home).is_file():
        start, cpu = time.perf_counter(), time.process_time()
        report = build(home)
        taken, used = time.perf_counter() - start, time.process_time() - cpu
        size = warehouse_path(home).stat().st_size / 1e6
        memory = psutil.Process().memory_info().rss / 1e9
        failed = [check.name for check in report.checks if not check.passed]
        yield (
            f"warehouse of {size:,.0f} MB built in {taken:.0f} s ({used:.0f} s CPU), "
            f"{memory:.1f} GB of memory at its end; checks that failed: {failed or 'none'}"
        )


def _line(
    held: duckdb.DuckDBPyConnection, raw: duckdb.DuckDBPyConnection, name: str, call: str
) -> str:
    sql = f"from {name}({call})"
    rows = len(held.sql(sql).to_arrow_table())
    times = _times(lambda: held.sql(sql).to_arrow_table(), REPEATS)
    walls = sorted(wall for wall, _ in times)
    median = statistics.median(walls)
    cpu = statistics.median(used for _, used in times)
    p95 = walls[math.ceil(0.95 * len(walls)) - 1]
    # slow ones are measured less often: their spread says nothing more
    repeats = PEER_REPEATS if median < 1000 else 1
    peer = statistics.median(
        wall for wall, _ in _times(lambda: raw.sql(sql).to_arrow_table(), repeats)
    )
    shown = f"{name.split('.')[1]}"
    return (
        f"  {shown:<40}{rows:>9,}{median:>9,.0f}{p95:>9,.0f}{cpu:>9,.0f}{peer:>9,.0f}"
        f"{peer / median:>7.1f}  {call}"
    ).rstrip()


def _times(call: Callable[[], object], repeats: int) -> list[tuple[float, float]]:
    """Wall and CPU milliseconds of each call; after two seconds of one, a third is enough."""
    found: list[tuple[float, float]] = []
    while len(found) < repeats and (len(found) < 3 or found[0][0] < 2000):
        start, used = time.perf_counter(), time.process_time()
        call()
        wall = (time.perf_counter() - start) * 1000
        found.append((wall, (time.process_time() - used) * 1000))
    return found


def _raw(home: Path) -> duckdb.DuckDBPyConnection:
    """The same models with views over the lake's files instead of tables."""
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    connection = open_file(Path(":memory:"), read_only=False)
    create_schemas(connection)
    connection.execute(f"attach {literal(str(warehouse_path(home)))} as built (read_only)")
    connection.execute("create table meta.generation as from built.meta.generation")
    create_functions(connection, manifest.server_url, manifest.shared_space)
    for entry in manifest.tables.values():
        connection.execute(_view(lake, entry))
    create_user_defined_values(connection, manifest.tables.values())
    for model in load_models():
        if model.schema in SCHEMAS:
            for statement in create_statements(model.as_view()):
                connection.execute(statement)
    return connection


def _view(lake: Lake, entry: TableEntry) -> str:
    if not entry.files:
        nulls = ", ".join(f"null::{one.type} as {quoted(one.name)}" for one in entry.columns)
        return f"create view octane.{quoted(entry.name)} as select {nulls} where false"
    paths = ", ".join(literal(str(lake.resolve(file))) for file in entry.files)
    source = f"read_parquet([{paths}])"
    held = {row[0] for row in duckdb.execute(f"describe from {source}").fetchall()}
    columns = ", ".join(
        f"files.{quoted(one.name)}"
        if one.name in held
        else f"null::{one.type} as {quoted(one.name)}"
        for one in entry.columns
    )
    return f"create view octane.{quoted(entry.name)} as select {columns} from {source} as files"


def _pandas(home: Path) -> Iterator[str]:
    """Flow 10 as merges of frames that hold nothing but the columns which it needs."""
    manifest = Lake(home / "lake").current()
    assert manifest is not None
    start = time.perf_counter()
    runs = _frame(home, "run_automated", ["id", "status_id", "creation_time"])
    last = _frame(home, "test_automated__last_runs", ["source_id", "target_id"])
    areas = _frame(home, "test_automated__product_areas", ["source_id", "target_id"])
    names = _frame(home, "product_area", ["id", "name"])
    loaded = time.perf_counter() - start
    failed = str(_volume.LIST_ITEMS.index("run_status.failed") + 1)
    since = pd.Timestamp(manifest.as_of.replace(tzinfo=None)) - pd.Timedelta(hours=24)

    def merge() -> pd.DataFrame:
        recent = runs[(runs["status_id"] == failed) & (runs["creation_time"] > since)]
        failures = last.merge(recent, left_on="target_id", right_on="id")
        tests = failures.groupby("source_id", as_index=False).agg(
            creation_time=("creation_time", "max")
        )
        of_modules = areas.merge(tests, on="source_id").merge(
            names, left_on="target_id", right_on="id"
        )
        return of_modules.groupby(["target_id", "name"]).agg(
            failed_test_count=("source_id", "nunique"), last_failed_at=("creation_time", "max")
        )

    wall = statistics.median(one for one, _ in _times(merge, PEER_REPEATS))
    yield (
        f"  pandas, modules_with_recent_failures of automated tests: {wall:,.0f} ms a call, after "
        f"{loaded:.1f} s of reading"
    )


def _frame(home: Path, table: str, columns: list[str]) -> pd.DataFrame:
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    frames = [
        pd.read_parquet(lake.resolve(file), columns=columns)
        for file in manifest.tables[table].files
    ]
    return pd.concat(frames)
