"""What Dagster adds to the bare steps: build and report of one lake, by hand and as a job.

A small lake in, seconds on the clock and of the processor out. Both run in this process, the job
with a history in SQLite as `make ui` has it; starting a process is not counted on either side.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg

from octane_flows import refresh, reports, warehouse
from octane_flows.config import load_settings
from tests.e2e.support import environment_of, tiny_server

CONFIG = Path(__file__).resolve().parents[2] / "pipelines" / "dagster.yaml"


def measure() -> Iterator[str]:
    """Nothing changed in the lake: what remains is the price of an empty run."""
    with tempfile.TemporaryDirectory() as folder, tiny_server() as server:
        home = Path(folder)
        environment = environment_of(server, home)
        os.environ.update(environment)
        refresh.extract(load_settings(environment))
        warehouse.build(home)
        history = home / "dagster"
        history.mkdir()
        shutil.copy(CONFIG, history / "dagster.yaml")
        from pipelines.definitions import definitions

        job = definitions.resolve_job_def("build")

        def bare() -> None:
            warehouse.build(home)
            reports.write(home)

        with dg.DagsterInstance.from_config(str(history)) as instance:
            yield _timed("by hand", bare)
            yield _timed("as a job", lambda: job.execute_in_process(instance=instance))
            yield _timed("by hand", bare)


def _timed(name: str, step: Callable[[], object]) -> str:
    clock, processor = time.monotonic(), time.process_time()
    step()
    clock, processor = time.monotonic() - clock, time.process_time() - processor
    return f"{name:<10} {clock:>7.1f} s, {processor:>5.1f} s of the processor"
