"""Refreshes of many small workspaces: does one workspace cost more where there are more of them?

A simulated server with `BENCH_WORKSPACES` workspaces ("5,20" unless given), every entity type and
hardly any rows. Each extract has a process of its own; told are its processor time and the bytes of
its manifest, for each workspace.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from octane_simulator import Simulator, serve
from tests.benchmarks._processes import cost_of
from tests.benchmarks._ratios import Ratio
from tests.benchmarks._timing import client_environment

COUNTS = [int(count) for count in os.environ.get("BENCH_WORKSPACES", "5,20").split(",")]
START = datetime(2021, 1, 25, 8, tzinfo=UTC)
EXTRACT = """
import os
from octane_flows import refresh
from octane_flows.config import load_settings
refresh.update_lake(load_settings({**os.environ, "OCTANE_WORKSPACES": ""}))
"""


def measure() -> Iterator[str | Ratio]:
    """First load and refresh without changes at each number of workspaces."""
    seconds: dict[int, float] = {}
    for count in COUNTS:
        ids = [str(1002 + number) for number in range(count)]
        simulator = Simulator(dataset="empty", clock=START, workspaces=ids)
        with serve(simulator) as running, tempfile.TemporaryDirectory() as home:
            environment = {**os.environ, **client_environment(running, home)}
            first, _ = _extract(simulator, environment, Path(home))
            _extract(simulator, environment, Path(home))
            refresh, manifest = _extract(simulator, environment, Path(home))
        seconds[count], part = refresh / count, refresh / first
        yield (
            f"{count:>5} workspaces: first load {first / count:.2f} s CPU a workspace, refresh "
            f"{refresh / count:.2f} s, manifest {manifest / count:,.0f} bytes"
        )
    size = f"{COUNTS[0]} and {COUNTS[-1]} workspaces"
    yield Ratio(
        "refresh of a workspace among many by one among few",
        size,
        seconds[COUNTS[-1]] / seconds[COUNTS[0]],
    )
    yield Ratio("refresh without changes by first load", f"{COUNTS[-1]} workspaces", part)
    yield Ratio("KB of manifest a workspace", size, manifest / COUNTS[-1] / 1000)


def _extract(simulator: Simulator, environment: dict[str, str], home: Path) -> tuple[float, int]:
    simulator.clock.set(simulator.clock.now() + timedelta(hours=1))
    cost = cost_of([sys.executable, "-c", EXTRACT], environment)
    manifests = sorted((home / "lake" / "generations").iterdir())
    return cost.cpu_s, manifests[-1].stat().st_size
