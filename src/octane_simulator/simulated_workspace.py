"""One workspace of the simulated space: its own field model, rows, reader and writer.

In: an id, a name and what all workspaces share (clock, faults, ids). Out: `Workspace`. Made by
simulator.py, used by the routes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.entity_schema import load_schema
from octane_simulator.query.reader import Reader
from octane_simulator.rules.seed_rows import seed
from octane_simulator.rules.user_defined_fields import restore
from octane_simulator.rules.writer import Writer
from octane_simulator.store.current_caller import FIRST_USER
from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import Clock
from octane_simulator.store.sqlite_database import SpaceIds

__all__ = ["MASTER", "Workspace", "workspace_row"]

# The workspace of the rows that all workspaces share; it is not listed, but it answers.
MASTER = "500"


class Workspace:
    """Rows of one workspace and what reads and writes them."""

    def __init__(
        self,
        identifier: str,
        name: str,
        *,
        clock: Clock,
        faults: Faults,
        ids: SpaceIds,
        user: str,
        path: Path | None = None,
    ) -> None:
        self.id = identifier
        self.name = name
        self.schema = load_schema()
        self.store = Store(self.schema, clock, path, workspace=identifier, ids=ids)
        self.is_new = self.store.type_of("workspace_user", FIRST_USER) is None
        if self.is_new:
            seed(self.store, user=user, roots=identifier != MASTER)
        else:
            restore(self.store)
        self.reader = Reader(self.store, faults)
        self.writer = Writer(self.store)

    def row(self) -> dict[str, Any]:
        """The workspace as JSON object."""
        return workspace_row(self.id, self.name)


def workspace_row(identifier: str, name: str) -> dict[str, Any]:
    """A workspace as JSON object."""
    return {
        "type": "workspace",
        "id": identifier,
        "name": name,
        "logical_name": f"workspace_{identifier}",
        "activity_level": 0,
    }
