"""What benchmarks share: medians, and a served workspace as settings for a client.

In: a call, or a running simulator. Out: milliseconds, environment variables. Times stand beside a
peer measured in the same run, because machines are noisy.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from octane_simulator import Running

REPEATS = 15


def median_ms(
    call: Callable[[], object],
    repeats: int = REPEATS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """The median time of a call in milliseconds; `time.process_time` leaves out waiting."""
    times = []
    for _ in range(repeats):
        start = clock()
        call()
        times.append(clock() - start)
    return statistics.median(times) * 1000


def client_environment(running: Running, home: str | Path) -> dict[str, str]:
    """This process's environment with the settings that reach a served simulator."""
    return {
        **os.environ,
        "OCTANE_URL": running.url,
        "OCTANE_CLIENT_ID": running.client_id,
        "OCTANE_CLIENT_SECRET": running.client_secret,
        "OCTANE_SHARED_SPACE": running.shared_space,
        "OCTANE_WORKSPACES": running.workspace,
        "OCTANE_HOME": str(home),
    }
