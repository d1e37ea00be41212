"""Writing the rows of one simulated workspace, in SQLite.

In: rows as dictionaries (references as {"type","id"}), from rules, results and datasets. Out: rows
in the tables of sqlite_database.py, which row_reading.py reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from octane_simulator.model.field_model import (
    LOGICAL_NAME_FAMILIES,
    NAMED_FAMILIES,
    SHARED_STORAGE,
    TREE_ROOTS,
)
from octane_simulator.model.relations import Inverse
from octane_simulator.store.generated_names import opaque_name
from octane_simulator.store.link_tables import Links
from octane_simulator.store.paths_and_flags import (
    OWNER_FLAGS,
    flagged_owners,
    move_paths,
    path_below,
    renew_flags,
)
from octane_simulator.store.row_columns import Linked, defaults_of, flatten
from octane_simulator.store.simulated_clock import iso
from octane_simulator.store.sqlite_database import FIRST_ID
from octane_simulator.store.table_layout import quoted

__all__ = ["FIRST_ID", "Store"]

_STAMPS = ("last_modified", "version_stamp", "client_lock_stamp")


class Store(Links):
    """Writes rows of one workspace; every public method takes the lock."""

    def _new_id(self, family: str, given: str | None, values: Mapping[str, Any]) -> int | str:
        if family in NAMED_FAMILIES:
            name = given or values.get("logical_name")
            attempt = 0
            while not name or (given is None and self.type_of(family, name) is not None):
                name = opaque_name(family, values.get("name"), attempt)
                attempt += 1
            return str(name)
        if family in self.space_ids:
            if given is None:
                return self.space_ids.take(family)
            self.space_ids.reserve(family, int(given))
            return int(given)
        if given is not None:
            number = int(given)
            self._next_id[family] = max(self._next_id[family], number + 1)
            return number
        number = self._next_id[family]
        self._next_id[family] = number + 1
        return number

    # -- writing --------------------------------------------------------------------------------

    def insert(self, entity_type: str, values: Mapping[str, Any], *, id: str | None = None) -> str:
        """Add one row of a concrete type and return its id."""
        return self.insert_many(entity_type, [values], ids=[id])[0]

    def insert_many(
        self,
        entity_type: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        ids: Sequence[str | None] | None = None,
    ) -> list[str]:
        """Add many rows of one concrete type in one go and return their ids in order."""
        family = self.schema.family(entity_type)
        if entity_type in self.schema.subtypes:
            raise KeyError(f"{entity_type} is an aggregate: insert one of its subtypes")
        stored_type = SHARED_STORAGE.get(entity_type, entity_type)
        columns = self._columns[family]
        new_ids: list[str] = []
        batches: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        links: list[Linked] = []
        flags: list[tuple[str, str, int | str]] = []
        with self.transaction():
            defaults = defaults_of(columns, iso(self.clock.now()))
            for position, values in enumerate(rows):
                key = self._new_id(family, ids[position] if ids else None, values)
                flat: dict[str, Any] = {"id": key, "type": stored_type, **defaults}
                if family in LOGICAL_NAME_FAMILIES and "logical_name" not in values:
                    flat["logical_name"] = (
                        key if family in NAMED_FAMILIES else opaque_name(family, key)
                    )
                for name, value in values.items():
                    column = columns.get(name)
                    if column is None:
                        if name in {"type", "subtype", "id"}:
                            continue
                        raise KeyError(f"{entity_type} has no field {name}")
                    flatten(self, column, value, flat, links, key)
                    if name.startswith("owner_") and family in OWNER_FLAGS and value:
                        flags.append((column.far_family, OWNER_FLAGS[family], flat[f"{name}_id"]))
                if family in TREE_ROOTS:
                    parent = flat.get("parent_id")
                    flat["path"] = path_below(self, family, parent, key)
                    if parent is not None:
                        flags.append((family, "has_children", parent))
                names = tuple(flat)
                batches.setdefault(names, []).append(tuple(flat.values()))
                new_ids.append(str(key))
                if family in TREE_ROOTS:  # children may follow in the same batch
                    self._flush(family, batches)
            self._flush(family, batches)
            self._link_new(family, stored_type, links)
            for far, flag, key in flags:
                self.connection.execute(
                    f"UPDATE {quoted(far)} SET {quoted(flag)} = 1 WHERE id = ?", (key,)
                )
        return new_ids

    def _flush(self, family: str, batches: dict[tuple[str, ...], list[tuple[Any, ...]]]) -> None:
        for names, batch in batches.items():
            marks = ", ".join("?" * len(names))
            self.connection.executemany(
                f"INSERT INTO {quoted(family)} ({', '.join(map(quoted, names))}) VALUES ({marks})",
                batch,
            )
        batches.clear()

    def update(self, entity_type: str, id: str, values: Mapping[str, Any]) -> None:
        """Change fields of one row; stamps move unless they are given."""
        family = self.schema.family(entity_type)
        columns = self._columns[family]
        flat: dict[str, Any] = {}
        links: list[Linked] = []
        key = self.key(family, id)
        if key is None:
            raise KeyError(f"no {entity_type} has the id {id}")
        with self.transaction():
            for name, value in values.items():
                if name not in columns:
                    if name in {"type", "subtype", "id"}:
                        continue
                    raise KeyError(f"{entity_type} has no field {name}")
                flatten(self, columns[name], value, flat, links, key)
            if "last_modified" in columns and "last_modified" not in flat:
                flat["last_modified"] = iso(self.clock.now())
            sets = [f"{quoted(name)} = ?" for name in flat]
            sets += [
                f"{stamp} = {stamp} + 1"
                for stamp in ("version_stamp", "client_lock_stamp")
                if stamp in columns and stamp not in flat
            ]
            owners_change = family in OWNER_FLAGS or "parent_id" in flat
            owners = flagged_owners(self, family, key) if owners_change else []
            if sets:
                self.connection.execute(
                    f"UPDATE {quoted(family)} SET {', '.join(sets)} WHERE id = ?",
                    (*flat.values(), key),
                )
            kind = self.type_of(family, key) or entity_type
            for name, _, targets in links:
                self._link(family, kind, name, key, targets, replace=True)
            if "parent_id" in flat and family in TREE_ROOTS:
                move_paths(self, family, key, flat["parent_id"])
            if owners_change:
                renew_flags(self, family, [*owners, *flagged_owners(self, family, key)])

    def delete(self, entity_type: str, id: str) -> list[tuple[str, str, str | None]]:
        """Remove one row, its links, what belongs to it, and the references that point at it.

        Returns (type, id, name) of every deleted row.
        """
        family = self.schema.family(entity_type)
        key = self.key(family, id)
        name = "name" if "name" in self._columns[family] else "NULL"
        with self.transaction():
            rows = self.read(f"SELECT type, {name} FROM {quoted(family)} WHERE id = ?", (key,))
            deleted = self._release_references(family, key)
            owners = flagged_owners(self, family, key)
            for (owner, _), end in self.schema.link_ends.items():
                if owner == family:
                    self._unlink(end, key)
            self.connection.execute(f"DELETE FROM {quoted(family)} WHERE id = ?", (key,))
            renew_flags(self, family, owners)
        return [*deleted, *((kind, id, name_) for kind, name_ in rows)]

    def _release_references(
        self, family: str, key: int | str | None
    ) -> list[tuple[str, str, str | None]]:
        """Move children to their tree's root, delete rows that require this row, empty the rest."""
        deleted: list[tuple[str, str, str | None]] = []
        for child, columns in self._columns.items():
            for name, column in columns.items():
                if column.kind != "single" or column.far_family != family:
                    continue
                reference = quoted(f"{name}_id")
                pointing = f"FROM {quoted(child)} WHERE {reference} = ?"
                owned = name.startswith("owner_") and child in OWNER_FLAGS
                if child == family and name == "parent":
                    root = {
                        "type": self.type_of(family, self.root(family)),
                        "id": self.root(family),
                    }
                    for (row,) in self.read(f"SELECT id {pointing}", (key,)):
                        self.update(child, str(row), {"parent": root})
                elif owned or column.field.required:
                    for kind, row in self.read(f"SELECT type, id {pointing}", (key,)):
                        deleted += self.delete(kind, str(row))
                else:
                    self.connection.execute(
                        f"UPDATE {quoted(child)} SET {reference} = NULL,"
                        f" {quoted(name + '_type')} = NULL WHERE {reference} = ?",
                        (key,),
                    )
        return deleted

    def store_content(self, attachment: str, content: bytes) -> None:
        """Store the bytes of an attachment."""
        self.connection.execute(
            "INSERT INTO attachment_content VALUES (?, ?)", (int(attachment), content)
        )

    # -- links ----------------------------------------------------------------------------------

    def link(
        self,
        entity_type: str,
        field: str,
        source_id: str,
        targets: Sequence[tuple[str, str]],
        replace: bool = True,
    ) -> None:
        """Set (or extend) a multi-reference of one row; targets are (type, id) pairs."""
        family = self.schema.family(entity_type)
        key = self.key(family, source_id)
        if key is None:
            raise KeyError(f"no {entity_type} has the id {source_id}")
        with self.transaction():
            kind = self.type_of(family, key) or entity_type
            pairs = [{"type": kind_, "id": target} for kind_, target in targets]
            self._link(family, kind, field, key, pairs, replace=replace)

    def _link(
        self,
        family: str,
        kind: str,
        field: str,
        key: int | str,
        targets: Sequence[Mapping[str, Any]],
        *,
        replace: bool,
    ) -> None:
        inverse = self.schema.inverses.get((family, field))
        if inverse is not None:
            self._point_targets(inverse, kind, key, targets, replace=replace)
            return
        end = self.schema.link_ends[(family, field)]
        if replace:
            self._unlink(end, key)
        self._append(end, self._pairs(end, kind, key, targets))

    def _point_targets(
        self,
        inverse: Inverse,
        kind: str,
        key: int | str,
        targets: Sequence[Mapping[str, Any]],
        *,
        replace: bool,
    ) -> None:
        """Set the reference of the targets to this row, and empty it in all other rows."""
        child = inverse.child
        reference = quoted(f"{inverse.reference}_id")
        rows = self.read(f"SELECT id FROM {quoted(child)} WHERE {reference} = ?", (key,))
        current_keys = {row[0] for row in rows}
        target_keys = {self.key(child, target["id"]) for target in targets}
        for far_key in current_keys - target_keys if replace else ():
            self._point(child, far_key, {inverse.reference: None})
        owner: dict[str, Any] = {inverse.reference: {"type": kind, "id": str(key)}}
        if child in OWNER_FLAGS:  # has one owner, of any kind
            names = [name for name in self._columns[child] if name.startswith("owner_")]
            owner = dict.fromkeys(names) | owner
        for far_key in target_keys - current_keys:
            self._point(child, far_key, owner)

    def _point(self, child: str, key: object, values: dict[str, Any]) -> None:
        """Change references of a row from their far side, which leaves its stamps alone."""
        row = self.get(child, str(key), links=()) or {}
        stamps = {name: row[name] for name in _STAMPS if name in row}
        self.update(child, str(key), {**values, **stamps})

    def _link_new(
        self,
        family: str,
        kind: str,
        links: Iterable[Linked],
    ) -> None:
        """Set multi-references of new rows, field by field rather than row by row."""
        pairs: dict[str, list[tuple[int | str, str, int | str | None, str]]] = {}
        for name, key, targets in links:
            if (family, name) in self.schema.inverses:
                self._link(family, kind, name, key, targets, replace=False)
            elif targets:
                end = self.schema.link_ends[(family, name)]
                pairs.setdefault(name, []).extend(self._pairs(end, kind, key, targets))
        for name, rows in pairs.items():
            self._append(self.schema.link_ends[(family, name)], rows)
