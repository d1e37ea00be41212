"""Fields of items as the warehouse holds them, and values as the REST API takes them.

A connection, a workspace and an entity type in; kinds of fields, present values and wanted values
out. `query_plan` calls it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from octane_flows.errors import UsageError
from octane_flows.models.sql_text import quoted

#: Fields that the server alone writes.
SERVERS = frozenset(
    {
        "author", "client_lock_stamp", "creation_time", "id", "last_modified", "logical_name",
        "modified_by", "path", "subtype", "type", "version_stamp", "workspace_id",
    }
)  # fmt: skip
#: Where a logical name is looked up, by the type of the item that is referred to.
CODES = {
    "list_node": "select list_item_id from er.list_items "
    "where workspace_id = ? and list_item_code = ?",
    "phase": "select phase_id from er.phases where workspace_id = ? and phase_code = ?",
}
#: Python's types of values, by the field's type; all others are texts or moments.
TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "integer": (int,),
    "float": (int, float, Decimal),
}


@dataclass(frozen=True)
class FieldKind:
    """One field: its type in the metadata, what it may refer to, and where its values are."""

    name: str
    type: str
    is_multiple: bool
    targets: tuple[str, ...]
    stored_in: tuple[str, ...]

    @property
    def is_written(self) -> bool:
        """Whether anybody but the server writes it."""
        return self.name not in SERVERS


@dataclass(frozen=True)
class Item:
    """One item of the warehouse, with its values as the REST API gives them."""

    name: str | None
    values: Mapping[str, Any]


def field_kinds(
    connection: duckdb.DuckDBPyConnection, workspace: str, entity_type: str
) -> dict[str, FieldKind]:
    """The fields of an entity type by name. Raises UsageError where there is no such type."""
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "select field, field_type, is_multiple, targets, stored_in from meta.fields "
            "where workspace_id = ? and entity = ? order by field",
            [workspace, entity_type],
        ).fetchall()
    if not rows:
        raise UsageError(
            f"The warehouse has no entity type '{entity_type}' in workspace {workspace}; name one "
            "of the tables octane.*, such as defect, story or test_manual."
        )
    return {
        name: FieldKind(name, str(kind), bool(many), tuple(targets or ()), tuple(stored or ()))
        for name, kind, many, targets, stored in rows
    }


def present_values(
    connection: duckdb.DuckDBPyConnection,
    workspace: str,
    entity_type: str,
    kinds: Iterable[FieldKind],
    ids: Collection[str],
) -> dict[str, Item]:
    """The items of those ids that the warehouse holds."""
    kinds = list(kinds)
    names = _names(connection, workspace, entity_type, ids)
    values: dict[str, dict[str, Any]] = {id: {} for id in names}
    for kind in kinds:
        if not kind.stored_in:
            raise UsageError(
                f"The warehouse does not hold the field {kind.name} of {entity_type}; extract "
                "again with a role that may read it, or leave it out."
            )
        read = _many if kind.is_multiple else _single
        of_kind = read(connection, workspace, entity_type, kind, ids)
        for id in values:
            values[id][kind.name] = of_kind.get(id)
    return {id: Item(name, values[id]) for id, name in names.items()}


def _names(
    connection: duckdb.DuckDBPyConnection, workspace: str, entity_type: str, ids: Collection[str]
) -> dict[str, str | None]:
    with connection.cursor() as cursor:
        cursor.execute(f"select * from octane.{quoted(entity_type)} limit 0")
        has_name = "name" in {column[0] for column in cursor.description or ()}
        rows = cursor.execute(
            f"select id, {'name' if has_name else 'null'} from octane.{quoted(entity_type)} "
            "where _workspace_id = ? and list_contains(?, id)",
            [workspace, list(ids)],
        ).fetchall()
    return {str(id): name for id, name in rows}


def _single(
    connection: duckdb.DuckDBPyConnection,
    workspace: str,
    entity_type: str,
    kind: FieldKind,
    ids: Collection[str],
) -> dict[str, Any]:
    columns = ", ".join(quoted(name) for name in kind.stored_in)
    with connection.cursor() as cursor:
        rows = cursor.execute(
            f"select id, {columns} from octane.{quoted(entity_type)} "
            "where _workspace_id = ? and list_contains(?, id)",
            [workspace, list(ids)],
        ).fetchall()
    if kind.type == "reference":
        return {
            id: None if target is None else {"type": rest[0] if rest else None, "id": target}
            for id, target, *rest in rows
        }
    return {id: _plain(value) for id, value in rows}


def _many(
    connection: duckdb.DuckDBPyConnection,
    workspace: str,
    entity_type: str,
    kind: FieldKind,
    ids: Collection[str],
) -> dict[str, Any]:
    with connection.cursor() as cursor:
        rows = cursor.execute(
            f"select source_id, target_type, target_id from octane.{quoted(kind.stored_in[0])} "
            "where _workspace_id = ? and list_contains(?, source_id) order by all",
            [workspace, list(ids)],
        ).fetchall()
    references: dict[str, dict[str, Any]] = {id: {"data": []} for id in ids}
    for source, target_type, target in rows:
        references[source]["data"].append({"type": target_type, "id": target})
    return references


def rest_value(
    connection: duckdb.DuckDBPyConnection,
    workspace: str,
    kind: FieldKind,
    value: Any,
    item: Item,
) -> Any:
    """A value of the query as the REST API takes it. Raises UsageError."""
    if kind.type == "reference":
        if kind.is_multiple:
            values = [] if value is None else value if isinstance(value, list) else [value]
            return {
                "data": [
                    _reference(connection, workspace, kind, item_value, None)
                    for item_value in values
                ]
            }
        present = item.values.get(kind.name)
        return None if value is None else _reference(connection, workspace, kind, value, present)
    if value is None:
        return None
    wanted = TYPES.get(kind.type)
    if wanted is not None and (
        not isinstance(value, wanted) or (isinstance(value, bool) and kind.type != "boolean")
    ):
        raise UsageError(
            f"The query sets {kind.name} to {value!r}, and the field is of the type {kind.type}; "
            "cast the column."
        )
    if kind.type in ("date_time", "date") and not isinstance(value, (date, datetime)):
        raise UsageError(
            f"The query sets {kind.name} to {value!r}, and the field is a moment; cast the column "
            "to timestamp (UTC)."
        )
    if wanted is None and kind.type not in ("date_time", "date") and not isinstance(value, str):
        raise UsageError(
            f"The query sets {kind.name} to {value!r}, and the field is a text; cast the column to "
            "text."
        )
    return _plain(value)


def _reference(
    connection: duckdb.DuckDBPyConnection,
    workspace: str,
    kind: FieldKind,
    value: Any,
    present: Mapping[str, Any] | None,
) -> dict[str, str]:
    if isinstance(value, Mapping) and set(value) == {"type", "id"}:
        return {"type": str(value["type"]), "id": str(value["id"])}
    targets = kind.targets
    target = targets[0] if len(targets) == 1 else (present or {}).get("type")
    if target is None or isinstance(value, (Mapping, list)):
        raise UsageError(
            f"The query sets {kind.name} to {value!r}, and the field refers to one of "
            f"{', '.join(targets) or 'several types'}; write {{'type': 'TYPE', 'id': 'ID'}}."
        )
    return {"type": str(target), "id": _id_of(connection, workspace, str(target), str(value))}


def _id_of(connection: duckdb.DuckDBPyConnection, workspace: str, target: str, value: str) -> str:
    """The id of a list node or phase that is named by its logical name; other values are ids."""
    if target not in CODES or value.isdigit():
        _require_id(connection, workspace, target, value)
        return value
    with connection.cursor() as cursor:
        rows = cursor.execute(CODES[target], [workspace, value]).fetchall()
    if not rows:
        raise UsageError(
            f"There is no {target} '{value}' in workspace {workspace}; name its logical name, such "
            "as list_node.severity.high or phase.defect.fixed, or its id."
        )
    return str(rows[0][0])


def _require_id(
    connection: duckdb.DuckDBPyConnection, workspace: str, target: str, value: str
) -> None:
    """A reference leads to a row, where rows of that type are held. Raises UsageError."""
    with connection.cursor() as cursor:
        try:
            (counts,) = cursor.execute(
                "select count(*) filter (where target.id = ?), count(*) "
                f"from octane.{quoted(target)} as target where target._workspace_id = ?",
                [value, workspace],
            ).fetchall()
        except duckdb.CatalogException:
            return  # a type that stands for several, or one that is not extracted
    count, all_count = counts
    if all_count and not count:
        raise UsageError(
            f"There is no {target} '{value}' in workspace {workspace} of the warehouse; name its "
            "id, or extract again."
        )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        digits = "milliseconds" if moment.microsecond else "seconds"
        return f"{moment.isoformat(timespec=digits)}Z"
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
