"""What a command costs, alone in a process: seconds of the processor and of the clock, memory.

A command and its environment in, a `Cost` out. Processor time hardly depends on what else the
machine does, so ratios are made of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds of the processor and of the clock, and the most memory in megabytes."""

    cpu_s: float
    wall_s: float
    memory_mb: float


def cost_of(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command to its end, with its children; it must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {errors[-2000:]}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Cost(cpu_s, time.perf_counter() - start, usage.ru_maxrss / 1000)


def our_command(home: Path, *arguments: str) -> Cost:
    """`octane-flows` with these arguments on a data folder."""
    environment = {"PATH": os.environ["PATH"], "OCTANE_HOME": str(home), "LANG": "C.UTF-8"}
    return cost_of([sys.executable, "-m", "octane_flows", *arguments], environment)
