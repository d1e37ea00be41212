"""Random schedules of saves: stays in phases are exact to the second, whatever an extract met.

A dozen run here; `HISTORY_SCHEDULES=200` or `=100-199` runs others. A failure names its seed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.property.history_schedules import HistorySchedule

FIRST, _, LAST = os.environ.get("HISTORY_SCHEDULES", "12").rpartition("-")
SEEDS = range(int(FIRST), int(LAST) + 1) if FIRST else range(int(LAST))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_history_ends_equal_to_what_was_saved(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    schedule = HistorySchedule(seed, tmp_path)
    try:
        schedule.run()
    except BaseException as error:
        raise AssertionError(f"schedule {seed}: {'; '.join(schedule.log)}") from error
    finally:
        schedule.simulator.close()
