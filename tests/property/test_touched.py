"""Random changes of runs: after each plain extract the link sets that they touch are the server's.

Changes come with a new or changed row; those of the owner's side alone are left to the sweep.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from octane_flows.simulator import Simulator
from tests.small import START
from tests.small_runs import add_run, add_test, assert_links_are_equal, extract_runs, move_run


class _Runs:
    """Tests, runs and defects, and dice."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.simulator = Simulator(clock=START)
        self.tests = [add_test(self.simulator) for _ in range(self.dice.randint(1, 8))]
        self.runs = [add_run(self.simulator, self.dice.choice(self.tests)) for _ in range(5)]
        self.defects = [self.simulator.store.insert("defect", {"name": "d"}) for _ in range(3)]

    def step(self) -> None:
        """One change, and perhaps some time."""
        name = self.dice.choice(("run", "run", "move", "name_defects", "test", "rename"))
        getattr(self, name)()
        self.simulator.clock.advance(self.dice.choice([0, 1, 30, 300, 4000]))

    def run(self) -> None:
        self.runs.append(add_run(self.simulator, self.dice.choice(self.tests)))

    def move(self) -> None:
        move_run(self.simulator, self.dice.choice(self.runs), self.dice.choice(self.tests))

    def name_defects(self) -> None:
        chosen = self.dice.sample(self.defects, self.dice.randint(0, 3))
        named = [{"type": "defect", "id": one} for one in chosen]
        self.simulator.store.update("run_manual", self.dice.choice(self.runs), {"defect": named})

    def test(self) -> None:
        self.tests.append(add_test(self.simulator))

    def rename(self) -> None:
        self.simulator.store.update("test_manual", self.dice.choice(self.tests), {"name": "n"})


@pytest.mark.parametrize("seed", range(12))
def test_touched_link_sets_are_the_servers_after_every_plain_extract(
    seed: int, tmp_path: Path
) -> None:
    runs = _Runs(seed)
    page_size = runs.dice.choice((2, 3, 100))
    for _ in range(4):
        extract_runs(runs.simulator, tmp_path, page_size=page_size)
        assert_links_are_equal(runs.simulator, tmp_path)
        for _ in range(runs.dice.randint(0, 5)):
            runs.step()
