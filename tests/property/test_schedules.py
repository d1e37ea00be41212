"""Random schedules of edits, late commits, deletes, moves and more end equal to the server's truth.

A few dozen run here; `make soak` runs 2,000, `make soak SCHEDULES=0-999` a share of them. A failure
names its seed and what happened.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.property.run_schedules import run_schedule, seeds_of
from tests.property.schedules import Schedule


@pytest.mark.parametrize("seed", seeds_of("SCHEDULES", 40))
def test_a_schedule_ends_equal_to_the_server(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.extract_journal.PART_ROWS", 3)
    run_schedule(Schedule(seed, tmp_path), seed)
