"""One simulated server: a space, the sign-in, the faults, and the application that answers.

In: the name of a dataset, a seed, a clock, a path. Out: `Simulator`. Made by tests, by `simulate`
and by the demo; running_simulator.py puts it behind a real HTTP server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from octane_simulator.datasets.dataset_list import DATASETS
from octane_simulator.faults.active_faults import Faults
from octane_simulator.http.application import Application
from octane_simulator.http.authentication import Authentication
from octane_simulator.local_feeder import LocalFeeder
from octane_simulator.server_faults import server_faults
from octane_simulator.simulated_space import Space
from octane_simulator.store.simulated_clock import Clock

__all__ = ["Simulator"]


class Simulator:
    """State and application of a simulated server; tests may change `clock`, `faults` and `auth`.

    `store`, `schema`, `reader` and `writer` are those of the first workspace.
    """

    def __init__(
        self,
        *,
        dataset: str = "empty",
        seed: int = 1,
        path: Path | None = None,
        clock: datetime | None = None,
        faults: Sequence[Mapping[str, Any]] = (),
        workspaces: Sequence[str] = ("1002",),
        runs: int = 1_000,
    ) -> None:
        self.seed = seed
        self.runs = runs  # in each workspace of the generated dataset
        self.clock = Clock(clock)
        self.auth = Authentication(
            "simulator_client", "simulator_secret", "sam.simulator", "simulator", seed=seed
        )
        self.faults = Faults(seed)
        self.space = space = Space(
            clock=self.clock,
            faults=self.faults,
            user=self.auth.user,
            client_id=self.auth.client_id,
            path=path,
            workspaces=workspaces,
        )
        self.auth.find_user = space.find_user_id
        self.faults.effects = server_faults(space, self.auth)
        self.shared_space, self.workspaces = space.id, space.workspaces
        self.workspace = space.first.id
        self.schema, self.store = space.first.schema, space.first.store
        self.reader, self.writer = space.first.reader, space.first.writer
        self.add_field, self.remove_field = space.add_field, space.remove_field
        self.retype_field, self.close = space.retype_field, space.close
        self.wsgi = Application(space, self.auth, seed)
        self.load(dataset)
        if clock is not None:  # the loaders of a dataset set the clock
            self.clock.set(clock)
        self.faults.apply({"add": faults})

    def feeder(self, workspace: str | None = None) -> LocalFeeder:
        """What writes into a workspace (the first unless named) in this process."""
        return LocalFeeder(self.space, workspace)

    def load(self, dataset: str) -> None:
        """Load a dataset into every workspace that does not come from an existing file."""
        if dataset not in DATASETS:
            raise ValueError(f"There is no dataset '{dataset}'; choose {', '.join(DATASETS)}")
        for identifier, workspace in self.workspaces.items():
            if not workspace.is_new:
                workspace.store.restore_clock()
                continue
            DATASETS[dataset].load(
                self.feeder(identifier), workspace.store, self.runs, f"{self.seed}/{identifier}"
            )
            workspace.store.keep_clock()

    def state(self) -> dict[str, Any]:
        """Row counts, clock and counters, as the control route shows them."""
        return self.wsgi.state()
