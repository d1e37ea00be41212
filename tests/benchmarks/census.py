"""What keeping rows of one type current costs: requests, processor seconds, bytes written.

A million rows, or `BENCH_LAKE_RUNS` (ten million is the long form). In process, so that neither
sockets nor waiting count: a first load, a refresh without changes, one with 1,000 changed rows, and
the census with 0, 10 and 1,000 deleted rows spread over all ids.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from octane_simulator import Simulator
from tests.small import START, SmallTransport, run_extract

ROWS = int(os.environ.get("BENCH_LAKE_RUNS", "1000000"))
CHANGED = 1_000
DELETED = (0, 10, 1_000)


def measure() -> Iterator[str]:
    """A line for each step."""
    with tempfile.TemporaryDirectory() as folder:
        simulator = Simulator(clock=START)
        rows = ({"name": f"d{number}"} for number in range(ROWS))
        ids = simulator.store.insert_many("defect", rows)
        simulator.clock.advance(3 * 3600)
        lake = Path(folder)
        yield _step(simulator, lake, f"first load of {ROWS:,} rows")
        yield _step(simulator, lake, "refresh without changes")
        for id in ids[:: ROWS // CHANGED]:
            simulator.store.update("defect", id, {"name": "changed"})
        yield _step(simulator, lake, f"refresh with {CHANGED:,} changed rows")
        simulator.clock.advance(3 * 3600)
        yield _step(simulator, lake, "refresh without changes")
        for count in DELETED:
            for id in ids[7 :: ROWS // count] if count else ():
                simulator.store.delete("defect", id)
            yield _step(simulator, lake, f"census, {count:,} rows deleted", census=True)


def _step(simulator: Simulator, home: Path, name: str, *, census: bool = False) -> str:
    transport = SmallTransport(simulator)
    before, start = _bytes(home), time.process_time()
    run_extract(
        simulator, home, transport, only=("defect",), page_size=1000, concurrency=4, census=census
    )
    seconds = time.process_time() - start
    return (
        f"{name:<36} {len(transport.targets):>6,} requests {seconds:>8.2f} s CPU, server included "
        f"{_bytes(home) - before:>12,} bytes written to data"
    )


def _bytes(home: Path) -> int:
    return sum(file.stat().st_size for file in (home / "lake" / "data").rglob("*.parquet"))
