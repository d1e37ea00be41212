"""Random schedules of edits, late commits, deletes, moves and more end equal to the server's truth.

A few dozen run here; `make soak` runs 2,000, `make soak SCHEDULES=0-999` a share of them. A failure
names its seed and what happened.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.property.schedules import Schedule

# How many, or the first and the last seed.
FIRST, _, LAST = os.environ.get("SCHEDULES", "40").rpartition("-")
SEEDS = range(int(FIRST), int(LAST) + 1) if FIRST else range(int(LAST))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_schedule_ends_equal_to_the_server(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    schedule = Schedule(seed, tmp_path)
    try:
        schedule.run()
    except BaseException as error:
        raise AssertionError(f"schedule {seed}: {'; '.join(schedule.log)}") from error
    finally:
        schedule.simulator.close()
