"""A made-up workspace of any size, the same for the same seed.

In: a store, how many runs, a seed. Out: plan, backlog, tests, runs over three years, defects and
notes, written into the store directly, because the rules would take too long. Called for
`simulate --dataset generated`, by benchmarks and by tests over many workspaces.
"""

from __future__ import annotations

from datetime import UTC, datetime

from octane_simulator.datasets.generated import (
    automated_runs,
    backlog_items,
    comments_and_files,
    manual_runs,
    people_and_releases,
    tests_and_suites,
)
from octane_simulator.datasets.generated.generated_world import World
from octane_simulator.store.entity_store import Store

__all__ = ["END", "fill"]

END = datetime(2026, 6, 30, 18, tzinfo=UTC)
_MANUAL_SHARE = 0.12


def fill(store: Store, runs: int = 1_000, seed: int | str = 1) -> None:
    """Fill an empty workspace; exactly `runs` runs are in it, and the clock stands at `END`.

    About an eighth of the runs are by hand (single, planned, and in suites), the others automated.
    Earlier results of automated runs are in the run history, about one for two runs.
    """
    if runs < 1:
        raise ValueError(f"A generated workspace has at least one run, so not {runs}")
    store.clock.set(END, frozen=True)
    with store.transaction():
        world = World(store, seed, runs, END)
        people_and_releases.add(world)
        backlog_items.add(world)
        tests_and_suites.add(world)
        by_hand = manual_runs.add(world, round(runs * _MANUAL_SHARE))
        automated_runs.add(world, runs - by_hand)
        comments_and_files.add(world)
