"""The price of Dagster: build and report of one lake, by two commands and as one Dagster job.

A small lake in; seconds on the clock and of the processor out, with the start of the processes. The
job runs with the settings of Dagster that `octane-flows ui` uses.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster_octane
from octane_flows import refresh, warehouse
from octane_flows.config import load_settings
from tests.e2e.support import environment_of, tiny_server

PROJECT = Path(__file__).resolve().parents[2]
BY_HAND = (["octane_flows", "build"], ["octane_flows", "report"])
AS_A_JOB = (["dagster", "job", "execute", "-m", "dagster_octane.definitions", "-j", "build"],)
ROUNDS = 3


def measure() -> Iterator[str]:
    """Nothing changes in the lake, so this is the price of a run that finds nothing to do."""
    with tempfile.TemporaryDirectory() as folder, tiny_server() as server:
        home = Path(folder)
        environment = environment_of(server, home)
        refresh.update_lake(load_settings(environment))
        warehouse.build(home)
        dagster_home = home / "dagster"
        dagster_home.mkdir()
        shutil.copy(Path(dagster_octane.__file__).with_name("dagster.yaml"), dagster_home)
        environment |= {"DAGSTER_HOME": str(dagster_home)}
        _timed(AS_A_JOB, environment)  # Dagster makes its databases
        differences = []
        for _ in range(ROUNDS):
            hand, job = _timed(BY_HAND, environment), _timed(AS_A_JOB, environment)
            differences.append([after - before for before, after in zip(hand, job, strict=True)])
            for name, (clock, processor) in (("by hand", hand), ("as a job", job)):
                yield f"{name:<10} {clock:>7.1f} s, {processor:>5.1f} s of the processor"
        clock, processor = (statistics.median(values) for values in zip(*differences, strict=True))
        yield f"{'Dagster':<10} {clock:>+7.1f} s, {processor:>+5.1f} s of the processor (median)"


def _timed(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> tuple[float, float]:
    before, start = _processor(), time.monotonic()
    for command in commands:
        subprocess.run(
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env={**os.environ, **environment},
            capture_output=True,
            check=True,
        )
    return time.monotonic() - start, _processor() - before


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
