"""`make bench`: the simulator's page time and the extract's memory, with 300,000 runs.

Prints one line a measurement. Times stand beside a peer measured in the same run, because machines
are noisy; memory is the highest resident size of a process that does nothing but extract.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from octane_flows.config import load_settings
from octane_flows.octane import Octane, field
from octane_flows.simulator import Simulator, serve
from octane_flows.simulator.datasets import generator

RUNS = 300_000
REPEATS = 15

EXTRACT = """
import json, os, resource, sys, time
from octane_flows import refresh
from octane_flows.config import load_settings
start = time.perf_counter()
report = refresh.extract(load_settings(os.environ), only=["run_automated"])
print(json.dumps({
    "rows": report.rows,
    "seconds": time.perf_counter() - start,
    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def main() -> None:
    simulator = Simulator(dataset="empty", seed=1)
    start = time.perf_counter()
    generator.load_runs(simulator.store, RUNS)
    print(f"generated {RUNS:,} runs in {time.perf_counter() - start:.1f} s")
    with serve(simulator) as running, tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "OCTANE_URL": running.url,
            "OCTANE_CLIENT_ID": running.client_id,
            "OCTANE_CLIENT_SECRET": running.client_secret,
            "OCTANE_SHARED_SPACE": running.shared_space,
            "OCTANE_WORKSPACES": running.workspace,
            "OCTANE_HOME": home,
        }
        with Octane(load_settings(environment)) as octane:
            workspace = octane.workspace(running.workspace)
            first = workspace.page("runs", fields=["id"], limit=1).rows[0]["id"]
            middle = field("id").gt(int(first) + RUNS // 2)
            fields = ["name", "status", "native_status", "test", "release", "started", "duration"]
            peer = median_ms(octane.version)
            every = sorted(workspace.metadata().entity_types["run_automated"].fields)
            for names in (["id"], fields, every):
                page = median_ms(
                    lambda names=names: workspace.page(  # type: ignore[misc]
                        "automated_runs", fields=names, query=middle, limit=1000
                    )
                )
                print(
                    f"page of 1,000 runs, {len(names)} fields: {page:.1f} ms "
                    f"(smallest request: {peer:.1f} ms, ratio {page / peer:.1f})"
                )
        done = subprocess.run(
            [sys.executable, "-c", EXTRACT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        facts = json.loads(done.stdout)
        size = sum(path.stat().st_size for path in Path(home).rglob("*.parquet")) / 1e6
        print(
            f"extract of {facts['rows']:,} runs, every field: {facts['seconds']:.1f} s, "
            f"{facts['megabytes']:.0f} MB of memory at most, {size:.1f} MB of Parquet"
        )


if __name__ == "__main__":
    main()
