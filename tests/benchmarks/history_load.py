"""What the change history costs: requests, seconds and memory of a first load and of a refresh.

200,000 records of one entity type, one second apart, in answers of at most 10,000. Memory is the
highest resident size of a process that does nothing but extract. `BENCH_HISTORY_RECORDS` sets
another number, such as 1000000.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from octane_simulator import Simulator, serve
from octane_simulator.store.history_table import Save, add_saves
from octane_simulator.store.simulated_clock import iso
from tests.benchmarks._timing import client_environment

RECORDS = int(os.environ.get("BENCH_HISTORY_RECORDS", "200000"))
DEFECTS = 1_000
END = datetime(2021, 1, 20, 21, tzinfo=UTC)
CHUNK = 50_000
PHASES = ("phase.defect.new", "phase.defect.opened", "phase.defect.fixed", "phase.defect.closed")
EXTRACT = """
import json, os, resource, time
from pathlib import Path
from octane_flows import refresh
from octane_flows.config import load_settings
from octane_flows.lake import Lake
from octane_flows.lake.manifest import HISTORY_PREFIX
start = time.perf_counter()
refresh.update_lake(load_settings(os.environ), only=["defect"])
manifest = Lake(Path(os.environ["OCTANE_HOME"], "lake")).current()
row = next(row for row in manifest.certificate if row.entity == HISTORY_PREFIX + "defect")
print(json.dumps({
    "requests": row.pages,
    "records": row.rows_read,
    "written": row.rows_written,
    "seconds": time.perf_counter() - start,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def measure() -> Iterator[str]:
    """A first load, then a refresh without changes."""
    simulator = Simulator(dataset="empty", seed=1, clock=END)
    ids = simulator.store.insert_many(
        "defect",
        ({"name": f"d{number}", "creation_time": iso(_at(RECORDS))} for number in range(DEFECTS)),
    )
    for start in range(0, RECORDS, CHUNK):
        numbers = range(start, min(start + CHUNK, RECORDS))
        add_saves(simulator.store, (_save(ids, number) for number in numbers))
    with serve(simulator) as running, tempfile.TemporaryDirectory() as home:
        environment = {**client_environment(running, home), "OCTANE_HISTORY": "defect"}
        for what in ("first load", "refresh without changes"):
            facts = _extract(environment)
            yield (
                f"{what} of a history of {RECORDS:,} records: {facts['requests']} requests for "
                f"{facts['records']:,} records, {facts['written']:,} rows written, "
                f"{facts['seconds']:.1f} s, {facts['megabytes']:.0f} MB of memory at most"
            )


def _extract(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", EXTRACT],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _at(seconds_before: int) -> datetime:
    return END - timedelta(hours=1, seconds=seconds_before)


def _save(ids: list[str], number: int) -> Save:
    """A defect goes on to its next phase; the records are in the order of their time."""
    turn = number // len(ids)
    old, new = (PHASES[(turn + step) % len(PHASES)] for step in (0, 1))
    change = {
        "field_name": "phase",
        "field_label": "Phase",
        "old_value": old,
        "old_value_text": old,
        "value": new,
        "value_text": new,
    }
    moment = iso(_at(RECORDS - number))
    return Save("defect", ids[number % len(ids)], "update", [change], timestamp=moment)
