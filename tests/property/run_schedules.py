"""Which random schedules run, and how a failure names its seed; for all tests of schedules."""

from __future__ import annotations

import os
from typing import Protocol

from octane_simulator import Simulator


class RandomSchedule(Protocol):
    """Steps on a server and extracts of it; `log` says what happened."""

    log: list[str]
    simulator: Simulator

    def run(self) -> None:
        """All steps, and the comparison at the end."""


def seeds_of(variable: str, usual: int) -> range:
    """As many seeds as an environment variable says, or from its first to its last."""
    first, _, last = os.environ.get(variable, str(usual)).rpartition("-")
    return range(int(first), int(last) + 1) if first else range(int(last))


def run_schedule(schedule: RandomSchedule, seed: int) -> None:
    """Run a schedule to its end; a failure names its seed and what happened."""
    try:
        schedule.run()
    except BaseException as error:
        raise AssertionError(f"schedule {seed}: {'; '.join(schedule.log)}") from error
    finally:
        schedule.simulator.close()
