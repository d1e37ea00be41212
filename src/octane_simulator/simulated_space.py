"""One shared space: its workspaces, its users, and what its workspaces share.

In: the clock, the faults, the names that sign in, perhaps a path. Out: `Space`, which finds
workspaces and users, and changes fields in all workspaces at once. Used by the routes and by the
feeder.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.field_model import FieldDef
from octane_simulator.rules.user_defined_fields import kind_of_field, restore
from octane_simulator.simulated_workspace import MASTER, Workspace, workspace_row
from octane_simulator.store.simulated_clock import Clock
from octane_simulator.store.sqlite_database import SpaceIds

__all__ = ["Space"]

API_KEY_USER = "901"


class Space:
    """The shared space; `first` is the workspace that stands for it where one is enough."""

    def __init__(
        self,
        *,
        clock: Clock,
        faults: Faults,
        user: str,
        client_id: str,
        path: Path | None = None,
        workspaces: Sequence[str] = ("1002",),
    ) -> None:
        if not workspaces or MASTER in workspaces or len(set(workspaces)) < len(workspaces):
            raise ValueError(f"Workspaces need different ids, and not {MASTER}: {workspaces}")
        self.id = "1001"
        self.clock = clock
        self.faults = faults
        self.forbidden_workspaces: dict[str, str] = {}
        self._user = user
        self._client_id = client_id
        self._path = path
        self._ids = SpaceIds()
        self._lock = threading.Lock()
        self._master: Workspace | None = None
        first, *others = workspaces
        self.workspaces = {first: self._open(first, "Simulated workspace", suffix="")}
        for identifier in others:
            name = f"Simulated workspace {identifier}"
            self.workspaces[identifier] = self._open(identifier, name, suffix=f".{identifier}")
        self.first = self.workspaces[first]
        if path is not None and path.with_name(f"{path.name}.{MASTER}").exists():
            _ = self.master  # its shared fields belong to the other workspaces

    def _open(self, identifier: str, name: str, *, suffix: str) -> Workspace:
        path = self._path.with_name(self._path.name + suffix) if self._path else None
        return Workspace(
            identifier, name, clock=self.clock, faults=self.faults, ids=self._ids,
            user=self._user, path=path,
        )  # fmt: skip

    # -- workspaces -----------------------------------------------------------------------------

    def find_workspace(self, identifier: str) -> Workspace | None:
        """A workspace by id; 500 is the hidden one that holds what all share."""
        if identifier == MASTER:
            return self.master
        return self.workspaces.get(identifier)

    @property
    def master(self) -> Workspace:
        """Workspace 500, which is made at the first request for it."""
        with self._lock:
            if self._master is None:
                self._master = self._open(MASTER, "Shared entities", suffix=f".{MASTER}")
                store = self._master.store
                store.peers = [store, *(each.store for each in self.workspaces.values())]
                restore(store)
            return self._master

    def add_workspace(self, name: str) -> Workspace:
        """Add a workspace with the next id, which answers like the first one."""
        with self._lock:
            identifier = str(max(int(key) for key in self.workspaces) + 1)
            workspace = self._open(identifier, name, suffix=f".{identifier}")
            reader, first = workspace.reader, self.first.reader
            reader.default_limit, reader.max_limit = first.default_limit, first.max_limit
            reader.default_order, reader.aggregate_rows = first.default_order, first.aggregate_rows
            self.workspaces[identifier] = workspace
            if self._master is not None:  # its shared fields belong to all workspaces
                self._master.store.peers.append(workspace.store)
                restore(self._master.store)
        return workspace

    def add_user(self, values: Mapping[str, Any], workspaces: Sequence[str]) -> str:
        """Add a user with the same id to these workspaces; a refused user is an ApiError."""
        identifier: str | None = None
        for key in workspaces:
            workspace = self.workspaces[key]
            entity = workspace.schema.entities["workspace_user"]
            if identifier is not None:
                row = self.workspaces[workspaces[0]].store.get("workspace_user", identifier) or {}
                workspace.store.insert("workspace_user", row, id=identifier)
                continue
            writable = {
                name: value
                for name, value in values.items()
                if name in entity.fields and entity.fields[name].editable
            }
            outcome = workspace.writer.create(entity, [writable])
            if outcome.errors:
                raise outcome.errors[0][1]
            identifier = outcome.ids[0]
        return str(identifier)

    def forbid_workspace(self, identifier: str = "1003", name: str = "Closed workspace") -> None:
        """Add a workspace that is listed but answers 403."""
        self.forbidden_workspaces[identifier] = name

    def close(self) -> None:
        """Close the databases."""
        for workspace in self.workspaces.values():
            workspace.store.close()
        if self._master is not None:
            self._master.store.close()

    # -- fields ---------------------------------------------------------------------------------

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
        """Add a user-defined field to every workspace; its name ends in _udf."""
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
        """Remove a field from every workspace."""
        for workspace in self.workspaces.values():
            store = workspace.store
            for row in store.find("field_metadata", entity_type=entity, name=name):
                store.delete(row["type"], row["id"])
            store.remove_field(entity, name)

    def retype_field(self, entity: str, name: str, field_type: str) -> None:
        """Give a scalar field another type in every workspace."""
        for workspace in self.workspaces.values():
            workspace.store.retype_field(entity, name, field_type)

    # -- as JSON objects ------------------------------------------------------------------------

    def row(self) -> dict[str, Any]:
        """The shared space as JSON object."""
        return {"type": "shared_space", "id": self.id, "name": "Simulated space",
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
        key = self._client_id
        api_key = {
            "type": "sharedspace_user", "id": API_KEY_USER, "name": key, "email": None,
            "full_name": key, "first_name": key, "last_name": "", "activity_level": 0,
            "is_api_key": True,
        }  # fmt: skip
        return [*people.values(), api_key]

    def role_rows(self) -> list[dict[str, Any]]:
        """The roles of every workspace as JSON objects; their ids are unique in the space."""
        rows = []
        for identifier, workspace in self.workspaces.items():
            place = {"type": "workspace", "id": identifier, "name": workspace.name}
            for role in workspace.store.find("workspace_role"):
                base = workspace.store.get("role", role["role"]["id"]) or {}
                rows.append({
                    "type": "workspace_role", "id": f"{identifier}{role['id']}",
                    "name": role["name"], "workspace": place,
                    "role": {"type": "role", "id": base["id"], "name": base["name"],
                             "logical_name": base["logical_name"]},
                })  # fmt: skip
        return rows

    # -- users ----------------------------------------------------------------------------------

    def find_user(self, identifier: str) -> dict[str, Any] | None:
        """A user of any workspace by id."""
        stores = (workspace.store for workspace in self.workspaces.values())
        rows = (store.get("workspace_user", identifier) for store in stores)
        return next((row for row in rows if row), None)

    def find_user_id(self, name: str) -> str | None:
        """The id of a user of any workspace by name or email."""
        sql = "SELECT id FROM workspace_user WHERE fold(name) = ?1 OR fold(email) = ?1 ORDER BY id"
        for workspace in self.workspaces.values():
            rows = workspace.store.read(sql, (name.casefold(),))
            if rows:
                return str(rows[0][0])
        return None
