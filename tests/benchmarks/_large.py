"""A large lake with its warehouse, made once and kept, and the same models over the lake's files.

`BENCH_RUNS` runs (1,000,000 unless given) in `BENCH_HOME` (a folder that goes away unless given);
`flow_speed` and `metric_speed` measure there. Every connection has the same threads and memory.
"""

from __future__ import annotations

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil

from octane_flows.lake import Lake, TableEntry
from octane_flows.models.macros import create_statements
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse import build, connect, load_models, open_file, warehouse_path
from octane_flows.warehouse.model_creation import create_functions
from octane_flows.warehouse.table_loading import SCHEMAS, create_schemas
from octane_flows.warehouse.user_defined_values import create_user_defined_values
from tests.benchmarks import _volume

RUNS = int(os.environ.get("BENCH_RUNS", "1000000"))
THREADS, MEMORY = 2, "6GB"


@dataclass(frozen=True)
class Times:
    """Calls of one query, each in milliseconds of the clock and of the processor."""

    walls: tuple[float, ...]
    cpus: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.walls)

    @property
    def p95(self) -> float:
        return sorted(self.walls)[math.ceil(0.95 * len(self.walls)) - 1]

    @property
    def cpu(self) -> float:
        return statistics.median(self.cpus)


def timed(call: Callable[[], object], fast: int, slow: int) -> Times:
    """Call `fast` times, but `slow` times where the first call takes a second or longer."""
    walls: list[float] = []
    cpus: list[float] = []
    while len(walls) < (fast if walls and walls[0] < 1000 else slow):
        start, used = time.perf_counter(), time.process_time()
        call()
        walls.append((time.perf_counter() - start) * 1000)
        cpus.append((time.process_time() - used) * 1000)
    return Times(tuple(walls), tuple(cpus))


@contextmanager
def home_folder() -> Iterator[Path]:
    """`BENCH_HOME`, or a folder for this run alone."""
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(os.environ.get("BENCH_HOME", scratch))


def prepare(home: Path) -> Iterator[str]:
    """Write the lake and build the warehouse where they are missing."""
    if Lake(home / "lake").current() is None:
        start = time.perf_counter()
        _volume.publish(home, RUNS)
        yield f"lake written in {time.perf_counter() - start:.0f} s"
    if not warehouse_path(home).is_file():
        start, cpu = time.perf_counter(), time.process_time()
        report = build(home)
        taken, used = time.perf_counter() - start, time.process_time() - cpu
        size = warehouse_path(home).stat().st_size / 1e6
        failed = [check.name for check in report.checks if not check.passed]
        yield (
            f"warehouse of {size:,.0f} MB built in {taken:.0f} s ({used:.0f} s CPU), "
            f"{memory_gb():.1f} GB of memory at its end; checks that failed: {failed or 'none'}"
        )


def memory_gb() -> float:
    """Memory of this process now."""
    used: float = psutil.Process().memory_info().rss / 1e9
    return used


@contextmanager
def connections(
    home: Path,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]]:
    """The warehouse, and the same models with views over the lake's files instead of tables."""
    with connect(home) as loaded, _raw(home) as raw:
        for connection in (loaded, raw):
            connection.execute(f"set threads = {THREADS}")
            connection.execute(f"set memory_limit = '{MEMORY}'")
        yield loaded, raw


def _raw(home: Path) -> duckdb.DuckDBPyConnection:
    lake = Lake(home / "lake")
    manifest = lake.current()
    assert manifest is not None
    connection = open_file(Path(":memory:"), read_only=False)
    create_schemas(connection)
    connection.execute(f"attach {literal(str(warehouse_path(home)))} as built (read_only)")
    for name in ("generation", "workspaces"):
        connection.execute(f"create table meta.{name} as from built.meta.{name}")
    for (name,) in connection.execute(
        "select table_name from duckdb_tables() where database_name = 'built' "
        "and schema_name = 'past'"
    ).fetchall():
        connection.execute(f"create view past.{quoted(name)} as from built.past.{quoted(name)}")
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
        nulls = ", ".join(
            f"null::{column.type} as {quoted(column.name)}" for column in entry.columns
        )
        return f"create view octane.{quoted(entry.name)} as select {nulls} where false"
    paths = ", ".join(literal(str(lake.resolve(file))) for file in entry.files)
    source = f"read_parquet([{paths}])"
    file_columns = {row[0] for row in duckdb.execute(f"describe from {source}").fetchall()}
    columns = ", ".join(
        f"files.{quoted(column.name)}"
        if column.name in file_columns
        else f"null::{column.type} as {quoted(column.name)}"
        for column in entry.columns
    )
    return f"create view octane.{quoted(entry.name)} as select {columns} from {source} as files"
