"""What a refresh costs after a first load: no change, 10,000 changed runs, censuses.

A simulated server with `BENCH_LAKE_RUNS` automated runs (a million unless given; ten million is the
long form). Each extract has a process of its own; told are requests, seconds and bytes written to
the lake, so that it is seen whether the cost follows the change or the size.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from octane_simulator import Running, Simulator, serve
from tests.benchmarks._timing import client_environment
from tests.many_runs import load_runs

RUNS = int(os.environ.get("BENCH_LAKE_RUNS", "1000000"))
CHANGED = 10_000
DELETED = (0, 10, 1_000)
START = datetime(2021, 1, 25, 8, tzinfo=UTC)
EXTRACT = """
import json, os, sys, time
from octane_flows import refresh
from octane_flows.config import load_settings
start = time.perf_counter()
report = refresh.update_lake(load_settings(os.environ), **json.loads(sys.argv[1]))
print(json.dumps({
    "requests": report.manifest.politeness["requests"],
    "collections": len(report.outcomes),
    "rows": report.rows,
    "written": report.rows_written,
    "seconds": time.perf_counter() - start,
}))
"""


def measure() -> Iterator[str]:
    """A first load, refreshes and censuses, one after the other on the same lake."""
    simulator = Simulator(dataset="empty", seed=1)
    simulator.clock.set(START)
    ids = load_runs(simulator.store, RUNS)
    _later(simulator)  # what has just been written would be read again by the next overlap
    with serve(simulator) as running, tempfile.TemporaryDirectory() as home:
        yield f"{RUNS:,} runs, first load:        {_extract(running, home)}"
        _later(simulator)
        yield f"no change, all entity types:  {_extract(running, home)}"
        _later(simulator)
        for id in ids[:: len(ids) // CHANGED][:CHANGED]:
            simulator.store.update("run_automated", id, {"duration": 4711})
        _later(simulator)  # rows of the last minutes would be followed again by the next refresh
        yield f"{CHANGED:,} changed runs:          {_extract(running, home)}"
        _later(simulator)
        yield f"no change again:              {_extract(running, home)}"
        deleted = iter(ids[7 :: len(ids) // (sum(DELETED) + 1)])
        for count in DELETED:
            _later(simulator)
            _delete_runs(simulator, [next(deleted) for _ in range(count)])
            yield f"census, {count:>5,} runs deleted:  {_extract(running, home, census=True)}"


def _later(simulator: Simulator) -> None:
    simulator.clock.set(simulator.clock.now() + timedelta(hours=1))


def _delete_runs(simulator: Simulator, ids: list[str]) -> None:
    """Straight from the table: nothing refers to these runs, and looking for that takes long."""
    store = simulator.store
    table = store.schema.family("run_automated")
    with store.transaction():
        store.connection.executemany(f'DELETE FROM "{table}" WHERE id = ?', [(id,) for id in ids])


def _extract(running: Running, home: str, **choices: bool) -> str:
    before, start = _bytes(home), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", EXTRACT, json.dumps(choices)],
        env=client_environment(running, home),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            f"The extract failed after {time.perf_counter() - start:.0f} s:\n{done.stderr[-2000:]}"
        )
    # Python takes `-c` for a session, in which DuckDB draws its progress before the last line
    facts = json.loads(done.stdout[done.stdout.rindex("{") :])
    written = _bytes(home) - before
    return (
        f"{facts['requests']:>6,} requests for {facts['collections']} entity types, "
        f"{facts['seconds']:>6.1f} s, {facts['written']:>9,} rows and {written / 1e6:>6.2f} MB "
        "written"
    )


def _bytes(home: str) -> int:
    return sum(path.stat().st_size for path in Path(home).rglob("*") if path.is_file())
