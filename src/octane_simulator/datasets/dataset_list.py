"""The datasets that a simulator can start with, by name.

In: nothing. Out: `DATASETS`, each with a note for people and the function that loads it. Read by
the simulator, its page and the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from octane_simulator.datasets import Feeder

if TYPE_CHECKING:  # the command line needs the names alone
    from octane_simulator.store.entity_store import Store

__all__ = ["DATASETS", "Dataset", "DatasetName"]


class DatasetName(StrEnum):
    """The names, as the command line takes them."""

    demo = "demo"
    ci_history = "ci-history"
    empty = "empty"
    generated = "generated"


@dataclass(frozen=True)
class Dataset:
    """What a dataset holds, and how it is loaded: feeder, store, number of runs, seed."""

    note: str
    load: Callable[[Feeder, Store, int, str], None]


def _empty(feeder: Feeder, store: Store, runs: int, seed: str) -> None:
    """Nothing beyond the rows that every new workspace has."""


# The loaders are imported when they are called: pyarrow alone takes longer than an empty simulator.
def _ci_history(feeder: Feeder, store: Store, runs: int, seed: str) -> None:
    from octane_simulator.datasets import ci_history

    ci_history.load(feeder)


def _demo(feeder: Feeder, store: Store, runs: int, seed: str) -> None:
    from octane_simulator.datasets import demo_dataset

    demo_dataset.load(feeder)


def _generated(feeder: Feeder, store: Store, runs: int, seed: str) -> None:
    from octane_simulator.datasets import generated

    generated.fill(store, runs, seed)


DATASETS: dict[str, Dataset] = {
    DatasetName.demo: Dataset(
        "the CI history, and releases, stories, defects and modules around it", _demo
    ),
    DatasetName.ci_history: Dataset(
        "657 real builds of the library Dune Common with 79,192 results", _ci_history
    ),
    DatasetName.empty: Dataset("lists, phases, roots and one user, as in a new workspace", _empty),
    DatasetName.generated: Dataset(
        "a made-up workspace of any size: --runs N --seed S", _generated
    ),
}
