"""Random changes of runs: after each plain extract the link sets that they change are the server's.

Changes come with a new or changed row; those of the owner's side alone are left to the sweep.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from octane_flows.client.transport import Request
from octane_simulator import Simulator
from tests.small import START
from tests.small_runs import (
    RunsTransport,
    add_run,
    add_test,
    assert_links_are_equal,
    extract_runs,
    move_run,
)


class _Runs:
    """Tests, runs and defects, which change at random."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.simulator = Simulator(clock=START)
        self.tests = [add_test(self.simulator) for _ in range(self.dice.randint(1, 8))]
        self.runs = [add_run(self.simulator, self.dice.choice(self.tests)) for _ in range(5)]
        self.unmoved: list[str] = []
        self.defects = [self.simulator.store.insert("defect", {"name": "d"}) for _ in range(3)]

    def step(self) -> None:
        """One change, and perhaps some time."""
        name = self.dice.choice(("run", "run", "move", "name_defects", "test", "rename"))
        getattr(self, name)()
        self.simulator.clock.advance(self.dice.choice([0, 1, 30, 300, 4000]))

    def run(self) -> None:
        self.runs.append(add_run(self.simulator, self.dice.choice(self.tests)))

    def move(self) -> None:
        if self.unmoved:
            move_run(self.simulator, self.unmoved.pop(), self.dice.choice(self.tests))

    def name_defects(self) -> None:
        if self.unmoved:
            chosen = self.dice.sample(self.defects, self.dice.randint(0, 3))
            named = [{"type": "defect", "id": id} for id in chosen]
            self.simulator.store.update("run_manual", self.unmoved.pop(), {"defect": named})

    def compare(self, home: Path) -> None:
        """Equal to the server; from now on each run may refer elsewhere once.

        One that does so twice before it is read leaves no trace of what it referred to between.
        """
        assert_links_are_equal(self.simulator, home)
        self.unmoved = self.dice.sample(self.runs, len(self.runs))

    def test(self) -> None:
        self.tests.append(add_test(self.simulator))

    def rename(self) -> None:
        self.simulator.store.update("test_manual", self.dice.choice(self.tests), {"name": "n"})

    def extract(self, home: Path, page_size: int) -> None:
        """An extract during which rows change, or that is killed; then one without changes."""
        kill_at = self.dice.choice((None, None, 5, 7, 9))
        sent = 0

        def before(_: Request) -> None:
            nonlocal sent
            sent += 1
            if kill_at is not None and sent > kill_at:
                raise KeyboardInterrupt
            if sent > 3 and self.dice.random() < 0.3:
                self.step()

        transport = RunsTransport(self.simulator, before)
        with suppress(KeyboardInterrupt):
            extract_runs(self.simulator, home, transport, page_size=page_size, concurrency=1)
        self.step()
        extract_runs(self.simulator, home, page_size=page_size)


@pytest.mark.parametrize("seed", range(6))
def test_changed_link_sets_are_the_servers_after_every_plain_extract(
    seed: int, tmp_path: Path
) -> None:
    runs = _Runs(seed)
    page_size = runs.dice.choice((2, 3, 100))
    for _ in range(4):
        extract_runs(runs.simulator, tmp_path, page_size=page_size)
        runs.compare(tmp_path)
        for _ in range(runs.dice.randint(0, 5)):
            runs.step()


@pytest.mark.parametrize("seed", range(6))
def test_changes_during_an_extract_are_read_by_the_next(seed: int, tmp_path: Path) -> None:
    runs = _Runs(seed)
    extract_runs(runs.simulator, tmp_path)
    runs.compare(tmp_path)
    for _ in range(2):
        for _ in range(runs.dice.randint(0, 3)):
            runs.step()
        runs.extract(tmp_path, page_size=100)
        runs.simulator.clock.advance(runs.dice.choice([0, 60, 4000]))
        extract_runs(runs.simulator, tmp_path)  # after a kill the one before went on with its work
        runs.compare(tmp_path)
