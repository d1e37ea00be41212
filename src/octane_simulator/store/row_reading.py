"""Reading the rows of one workspace as dictionaries.

In: types, ids, values to find. Out: rows with references as {"type","id"}. Base of
entity_store.Store; the answers of the read layer do not come this way, their JSON is built by
SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from octane_simulator.store.sqlite_database import Database
from octane_simulator.store.table_layout import quoted

__all__ = ["Rows"]


class Rows(Database):
    """Rows as dictionaries; every public method takes the lock."""

    def linked(self, entity_type: str, id: str, field: str) -> list[dict[str, str]]:
        """The references of a multi-reference field of one row."""
        family = self.schema.family(entity_type)
        key = self.key(family, id)
        inverse = self.schema.inverses.get((family, field))
        if inverse is not None:
            sql = (
                f"SELECT type, id FROM {quoted(inverse.child)}"
                f" WHERE {quoted(inverse.reference + '_id')} = ? ORDER BY id"
            )
        else:
            end = self.schema.link_ends[(family, field)]
            if end.link not in self._filled:
                return []
            sql = (
                f"SELECT {end.far}_type, {end.far} FROM {quoted(end.link)}"
                f" WHERE {end.own} = ? ORDER BY {end.far}"
            )
        return [{"type": kind, "id": str(far)} for kind, far in self.read(sql, (key,))]

    # -- reading rows as dictionaries -----------------------------------------------------------

    def get(
        self, entity_type: str, id: str, *, links: Collection[str] | None = None
    ) -> dict[str, Any] | None:
        """One row with its scalars, single references and links (all, or those named), or None."""
        family = self.schema.family(entity_type)
        rows = self._select(entity_type, "id = ?", (self.key(family, id),), links)
        return rows[0] if rows else None

    def find(self, entity_type: str, /, **equals: Any) -> list[dict[str, Any]]:
        """Rows whose fields equal the values; single references are given as id text."""
        family = self.schema.family(entity_type)
        conditions, parameters = ["1"], []
        for name, value in equals.items():
            column = self._columns[family].get(name)
            if name == "id":
                sql_name, value = "id", self.key(family, value)
            elif column is not None and column.kind == "single":
                sql_name = f"{name}_id"
                value = None if value is None else self.key(column.far_family, value)
            elif column is not None and column.kind == "scalar":
                sql_name = name
            else:
                raise KeyError(f"{entity_type} has no column {name} to search by")
            if value is None:
                conditions.append(f"{quoted(sql_name)} IS NULL")
            else:
                conditions.append(f"{quoted(sql_name)} = ?")
                parameters.append(int(value) if isinstance(value, bool) else value)
        return self._select(entity_type, " AND ".join(conditions), parameters)

    def _select(
        self,
        entity_type: str,
        where: str,
        parameters: Sequence[Any],
        links: Collection[str] | None = None,
    ) -> list[dict[str, Any]]:
        family = self.schema.family(entity_type)
        if entity_type != family and entity_type in self.schema.subtypes.get(family, ()):
            where = f"({where}) AND type = '{entity_type}'"
        with self.lock:
            cursor = self.connection.execute(
                f"SELECT * FROM {quoted(family)} WHERE {where} ORDER BY id", parameters
            )
            names = [item[0] for item in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            return [self._unflatten(family, row, links) for row in rows]

    def _unflatten(
        self, family: str, row: dict[str, Any], links: Collection[str] | None
    ) -> dict[str, Any]:
        result: dict[str, Any] = {"id": str(row["id"]), "type": row["type"]}
        if family in self.schema.subtypes:
            result["subtype"] = row["type"]
        for name, column in self._columns[family].items():
            if column.kind == "scalar":
                value = row[name]
                if value is not None and column.field.field_type == "boolean":
                    value = bool(value)
                elif value is not None and column.field.field_type == "object":
                    value = json.loads(value)
                result[name] = value
            elif column.kind == "single":
                target = row[f"{name}_id"]
                result[name] = (
                    None if target is None else {"type": row[f"{name}_type"], "id": str(target)}
                )
            elif column.kind in {"link", "inverse"}:
                stored = column.kind == "link" and not column.field.filter_only
                if stored if links is None else name in links:
                    result[name] = self.linked(family, str(row["id"]), name)
        return result
