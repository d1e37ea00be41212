"""Random schedules of edits, late commits, deletes, moves and more end equal to the server's truth.

A few dozen run here; `make soak` runs 2,000. A failure names its seed and what happened.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.property.schedules import Schedule

SCHEDULES = int(os.environ.get("SCHEDULES", "40"))


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_a_schedule_ends_equal_to_the_server(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("octane_flows.extract.full.PART_ROWS", 3)
    schedule = Schedule(seed, tmp_path)
    try:
        schedule.run()
    except BaseException as error:
        raise AssertionError(f"schedule {seed}: {'; '.join(schedule.log)}") from error
    finally:
        schedule.simulator.close()
