"""How fast the simulator answers a page of 1,000 runs to the project's own client."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator

from octane_flows.config import load_settings
from octane_flows.octane import Octane, field
from octane_flows.simulator import Simulator, serve
from octane_flows.simulator.datasets import generator
from tests.benchmarks._timing import client_environment, median_ms

RUNS = 300_000
FIELDS = ["name", "status", "native_status", "test", "release", "started", "duration"]


def measure() -> Iterator[str]:
    """Pages with one, seven and all fields, beside the smallest request."""
    simulator = Simulator(dataset="empty", seed=1)
    start = time.perf_counter()
    generator.load_runs(simulator.store, RUNS)
    yield f"generated {RUNS:,} runs in {time.perf_counter() - start:.1f} s"
    with (
        serve(simulator) as running,
        tempfile.TemporaryDirectory() as home,
        Octane(load_settings(client_environment(running, home))) as octane,
    ):
        workspace = octane.workspace(running.workspace)
        first = workspace.page("runs", fields=["id"], limit=1).rows[0]["id"]
        middle = field("id").gt(int(first) + RUNS // 2)
        every = sorted(workspace.metadata().entity_types["run_automated"].fields)
        peer = median_ms(octane.version)
        for names in (["id"], FIELDS, every):
            page = median_ms(
                lambda names=names: workspace.page(  # type: ignore[misc]
                    "automated_runs", fields=names, query=middle, limit=1000
                )
            )
            yield (
                f"page of 1,000 runs, {len(names)} fields: {page:.1f} ms "
                f"(smallest request: {peer:.1f} ms, ratio {page / peer:.1f})"
            )
