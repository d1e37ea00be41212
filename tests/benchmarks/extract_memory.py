"""What an extract of many runs costs: seconds, memory, Parquet.

Memory is the highest resident size of a process that does nothing but extract.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from octane_simulator import Simulator, serve
from tests.benchmarks._timing import client_environment
from tests.many_runs import load_runs

RUNS = 300_000
EXTRACT = """
import json, os, resource, sys, time
from octane_flows import refresh
from octane_flows.config import load_settings
start = time.perf_counter()
report = refresh.update_lake(load_settings(os.environ), only=["run_automated"])
print(json.dumps({
    "rows": report.rows,
    "seconds": time.perf_counter() - start,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def measure() -> Iterator[str]:
    """One extract of automated runs with every field."""
    simulator = Simulator(dataset="empty", seed=1)
    load_runs(simulator.store, RUNS)
    with serve(simulator) as running, tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-c", EXTRACT],
            env=client_environment(running, home),
            capture_output=True,
            text=True,
            check=True,
        )
        facts = json.loads(done.stdout)
        size = sum(path.stat().st_size for path in Path(home).rglob("*.parquet")) / 1e6
    yield (
        f"extract of {facts['rows']:,} runs, every field: {facts['seconds']:.1f} s, "
        f"{facts['megabytes']:.0f} MB of memory at most, {size:.1f} MB of Parquet"
    )
