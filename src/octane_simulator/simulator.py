"""One simulated server with its workspaces.

In: a dataset name, a clock, a path. Out: `Simulator` with its parts and the WSGI application. Used
by tests, `simulate` and `demo`.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from octane_simulator.faults.active_faults import Faults
from octane_simulator.http.application import Application
from octane_simulator.http.authentication import Auth
from octane_simulator.local_feeder import LocalFeeder
from octane_simulator.model.field_model import FieldDef
from octane_simulator.rules.user_defined_fields import kind_of_field, restore
from octane_simulator.server_faults import switches
from octane_simulator.simulated_workspace import MASTER, Workspace, workspace_row
from octane_simulator.store.server_clock import Clock
from octane_simulator.store.sqlite_database import SpaceIds

__all__ = ["DATASETS", "Simulator"]

DATASETS: dict[str, tuple[str, ...]] = {
    "empty": (),
    "ci-history": ("ci_history",),
    "demo": ("demo_dataset",),
    "generated": ("generated",),
}

API_KEY_USER = "901"


class Simulator:
    """State and application of a simulated server; `clock`, `faults` and `auth` may be turned.

    The first workspace is the one that `store`, `schema`, `reader` and `writer` stand for.
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
        if not workspaces or MASTER in workspaces or len(set(workspaces)) < len(workspaces):
            raise ValueError(f"Workspaces need different ids, and not {MASTER}: {workspaces}")
        self.seed = seed
        self.runs = runs  # in each workspace of the generated dataset
        self.shared_space = "1001"
        self.forbidden_workspaces: dict[str, str] = {}
        self.clock = Clock(clock)
        self.auth = Auth(
            "simulator_client", "simulator_secret", "sam.simulator", "simulator", seed=seed
        )
        self.faults = Faults(seed, switches(self))
        self.pages_served: dict[str, list[str]] = {}
        self._ids = SpaceIds()
        self._path = path
        self._lock = threading.Lock()
        self._master: Workspace | None = None
        self.workspaces = {
            one: self._open(one, "Simulated workspace" if at == 0 else f"Simulated workspace {one}",
                            suffix="" if at == 0 else f".{one}")
            for at, one in enumerate(workspaces)
        }  # fmt: skip
        first = self.workspaces[workspaces[0]]
        self.workspace = first.id
        self.schema, self.store = first.schema, first.store
        self.reader, self.writer = first.reader, first.writer
        if path is not None and path.with_name(f"{path.name}.{MASTER}").exists():
            _ = self.master  # its shared fields belong to the other workspaces
        self.auth.find_user = self._user_named
        self.wsgi = Application(self)
        self.load(dataset)
        if clock is not None:  # the loaders of a dataset turn the clock
            self.clock.set(clock)
        self.faults.apply({"add": faults})

    def _open(self, identifier: str, name: str, *, suffix: str) -> Workspace:
        path = self._path.with_name(self._path.name + suffix) if self._path else None
        return Workspace(
            identifier, name, clock=self.clock, faults=self.faults, ids=self._ids,
            user=self.auth.user, path=path,
        )  # fmt: skip

    def find_workspace(self, identifier: str) -> Workspace | None:
        """A workspace by id; 500 is the hidden one that holds what all share."""
        if identifier == MASTER:
            return self.master
        return self.workspaces.get(identifier)

    @property
    def master(self) -> Workspace:
        """Workspace 500, made when it is first asked for."""
        with self._lock:
            if self._master is None:
                self._master = self._open(MASTER, "Shared entities", suffix=f".{MASTER}")
                store = self._master.store
                store.peers = [store, *(one.store for one in self.workspaces.values())]
                restore(store)
            return self._master

    def load(self, dataset: str) -> None:
        """Run the loaders of a named dataset in every workspace that no file held before."""
        if dataset not in DATASETS:
            raise ValueError(f"There is no dataset '{dataset}'; known: {', '.join(DATASETS)}")
        for identifier, workspace in self.workspaces.items():
            if not workspace.is_new:
                workspace.store.restore_clock()
                continue
            feeder = LocalFeeder(self, identifier)
            for name in DATASETS[dataset]:
                module = importlib.import_module(f"octane_simulator.datasets.{name}")
                loader: Callable[[LocalFeeder], object] = module.load
                loader(feeder)
            workspace.store.keep_clock()

    def add_field(
        self,
        entity: str,
        name: str,
        field_type: str,
        *,
        label: str | None = None,
        targets: Sequence[str] = (),
        multiple: bool = False,
        list_root: str | None = None,
    ) -> None:
        """Add a user-defined field to every workspace while the server runs; it ends in _udf."""
        if not name.endswith("_udf"):
            raise ValueError(f"A user-defined field's name ends in _udf, so not '{name}'")
        definition = FieldDef(
            name, label or name.removesuffix("_udf").replace("_", " ").capitalize(), field_type,
            multiple, tuple(targets) or (("list_node",) if list_root else ()), list_root,
            filterable=field_type not in {"object"}, sortable=not multiple, editable=True,
            max_length=255 if field_type == "string" else None, is_user_defined=True,
        )  # fmt: skip
        kind = kind_of_field(definition)
        for workspace in self.workspaces.values():
            if kind is not None:
                workspace.store.insert(kind, {
                    "name": name, "label": definition.label, "entity_type": entity,
                    "multiple": multiple, "is_user_defined": True,
                    "list": {"type": "list_node", "id": list_root} if list_root else None,
                })  # fmt: skip
            workspace.store.add_field(entity, definition)

    def remove_field(self, entity: str, name: str) -> None:
        """Remove a field from every workspace while the server runs."""
        for workspace in self.workspaces.values():
            store = workspace.store
            for row in store.find("field_metadata", entity_type=entity, name=name):
                store.delete(row["type"], row["id"])
            store.remove_field(entity, name)

    def retype_field(self, entity: str, name: str, field_type: str) -> None:
        """Give a scalar field another type in every workspace while the server runs."""
        for workspace in self.workspaces.values():
            workspace.store.retype_field(entity, name, field_type)

    def forbid_workspace(self, identifier: str = "1003", name: str = "Closed workspace") -> None:
        """Add a workspace that is listed but answers 403."""
        self.forbidden_workspaces[identifier] = name

    def space_row(self) -> dict[str, Any]:
        """The shared space as JSON object."""
        return {"type": "shared_space", "id": self.shared_space, "name": "Simulated space",
                "logical_name": "simulated_space", "activity_level": 0}  # fmt: skip

    def workspace_rows(self) -> list[dict[str, Any]]:
        """The workspaces as JSON objects."""
        return [
            *(workspace.row() for workspace in self.workspaces.values()),
            *(workspace_row(key, name) for key, name in self.forbidden_workspaces.items()),
        ]

    def user_rows(self) -> list[dict[str, Any]]:
        """The users of the space as JSON objects: those of its workspaces, and the API key."""
        people: dict[str, dict[str, Any]] = {}
        for workspace in self.workspaces.values():
            for user in workspace.store.find("workspace_user"):
                people.setdefault(user["id"], {
                    "type": "sharedspace_user", "id": user["id"], "name": user["name"],
                    "email": user["email"], "full_name": user["full_name"],
                    "first_name": user["first_name"], "last_name": user["last_name"],
                    "activity_level": 0, "is_api_key": False,
                })  # fmt: skip
        key = self.auth.client_id
        api_key = {
            "type": "sharedspace_user", "id": API_KEY_USER, "name": key, "email": None,
            "full_name": key, "first_name": key, "last_name": "", "activity_level": 0,
            "is_api_key": True,
        }  # fmt: skip
        return [*people.values(), api_key]

    def find_user(self, identifier: str) -> dict[str, Any] | None:
        """A user of any workspace by id."""
        rows = (one.store.get("workspace_user", identifier) for one in self.workspaces.values())
        return next((row for row in rows if row), None)

    def _user_named(self, name: str) -> str | None:
        """The id of a user by name or email."""
        sql = "SELECT id FROM workspace_user WHERE fold(name) = ?1 OR fold(email) = ?1 ORDER BY id"
        for workspace in self.workspaces.values():
            rows = workspace.store.read(sql, (name.casefold(),))
            if rows:
                return str(rows[0][0])
        return None

    def state(self) -> dict[str, Any]:
        """Row counts, clock and counters, as the control endpoint shows them."""
        counts = {
            family: self.store.read(f'SELECT count(*) FROM "{family}"')[0][0]
            for family in self.schema.families()
        }
        return {
            "now": self.clock.now().isoformat(),
            "frozen": self.clock.frozen,
            "requests": self.wsgi.requests,
            "sign_ins": self.auth.sign_ins,
            "faults_served": self.faults.served,
            "rows": counts,
        }

    def close(self) -> None:
        """Give the databases back."""
        for workspace in self.workspaces.values():
            workspace.store.close()
        if self._master is not None:
            self._master.store.close()
