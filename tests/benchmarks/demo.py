"""The demo as a user starts it, beside the simulator that takes in the same data and no more.

Nothing in; processor time and the clock's of `octane-flows demo`, with all processes that it
starts, out. The other side of the ratio fills a simulator in one process, without HTTP.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks._processes import cost_of, our_command
from tests.benchmarks._ratios import Ratio

FILL = "from octane_simulator import Simulator; Simulator(dataset='demo', seed=1)"


def measure() -> Iterator[str | Ratio]:
    """The demo once, in a folder that goes away."""
    environment = {"PATH": os.environ["PATH"]}
    filled = cost_of([sys.executable, "-c", FILL], environment)
    yield f"simulator filled  {filled.cpu_s:>8.1f} s CPU {filled.wall_s:>8.1f} s"
    with tempfile.TemporaryDirectory() as scratch:
        demo = our_command(Path(scratch) / "demo", "demo")
    yield f"demo              {demo.cpu_s:>8.1f} s CPU {demo.wall_s:>8.1f} s"
    yield Ratio("demo by simulator filled with its data", "once", demo.cpu_s / filled.cpu_s)
