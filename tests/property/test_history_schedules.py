"""Random schedules of saves: stays in phases are exact to the second, whatever an extract met.

A dozen run here; `HISTORY_SCHEDULES=200` or `=100-199` runs others. A failure names its seed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.history_schedules import HistorySchedule
from tests.property.run_schedules import run_schedule, seeds_of


@pytest.mark.parametrize("seed", seeds_of("HISTORY_SCHEDULES", 12))
def test_the_history_ends_equal_to_what_was_saved(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    run_schedule(HistorySchedule(seed, tmp_path), seed)
