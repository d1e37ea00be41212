"""Pages of the change history: one record for each save, newest first.

In: the query-string parameters of `history_logs`. Out: JSON texts of records, built by SQLite, in
the shape that programs read from live servers. Called by http/history_routes.py. The faults whose
kinds begin with `history_` change its bounds and the spelling of its keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.collection_page import Page
from octane_simulator.model.refusals import bad_query, not_authorized, unknown_field
from octane_simulator.query.query_language import (
    And,
    Compare,
    Cross,
    Literal,
    Node,
    Not,
    Null,
    Or,
    parse,
    unwrap,
)
from octane_simulator.query.query_quirks import check_quirks
from octane_simulator.query.query_sql import Condition, moment_condition, text_condition
from octane_simulator.query.reader import whole_number
from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso

__all__ = ["ENTITY_TYPE", "MAX_HISTORY", "history_page"]

# The name by which the fault `refuse` knows the history.
ENTITY_TYPE = "history_log"
# The records of one query, over all its pages; also the highest limit.
MAX_HISTORY = 10_000

_COLUMNS = {
    "timestamp": "h.timestamp",
    "action": "h.action",
    "entity_type": "h.entity_type",
    "entity_id": "h.entity_id",
}
_USER_COLUMNS = {"id": "h.user_id", "name": "h.user_name", "full_name": "h.full_name"}
_RECORD = {
    "timestamp": "h.timestamp",
    "action": "h.action",
    "entity_id": "h.entity_id",
    "user": "json_object('name',h.user_name,'full_name',h.full_name)",
    "change_set": "json(h.change_set)",
}
# How older records spell the keys of the new value, by the fault `history_form`.
_NEW_KEYS = {
    "valueName": {"value_text": "valueName"},
    "new_value": {"value": "new_value", "value_text": "new_value_text"},
}


def history_page(store: Store, faults: Faults, parameters: Mapping[str, str]) -> Page:
    """The records that a query selects: at most 10,000 over all pages."""
    cap = faults.setting("history_size", "cap") or MAX_HISTORY
    highest = faults.setting("history_size", "limit") or MAX_HISTORY
    limit = whole_number(parameters.get("limit"), "limit", highest, 1, highest)
    offset = whole_number(parameters.get("offset"), "offset", 0, 0)
    condition = _condition(store, faults, parameters.get("query"))
    with store.lock:
        count = f"SELECT count(*) FROM history_log h WHERE {condition.sql}"
        total = int(store.read(count, condition.parameters)[0][0])
        rows = store.read(
            f"SELECT {_record(parameters.get('fields'))} FROM history_log h WHERE {condition.sql}"
            f" ORDER BY {_order(parameters.get('order_by'))} LIMIT ? OFFSET ?",
            (*condition.parameters, max(0, min(limit, cap - offset)), offset),
        )
    texts = [row[0] for row in rows]
    keys = faults.setting("history_form", "keys")
    user = faults.setting("history_form", "user")
    if keys is not None:
        texts = [_respelled(text, keys, user) for text in texts]
    return Page(texts, min(total, cap), total > cap)


def _condition(store: Store, faults: Faults, query: str | None) -> Condition:
    node = parse(unwrap(query)) if query else None
    if query and node is not None:
        check_quirks(faults, unwrap(query), node)
    if faults.setting("history_restricted", "active"):
        fields = _required_fields(node)
        if not {"entity_type", "entity_id"} <= fields:
            raise not_authorized("a restricted user must name entity_type and entity_id")
    condition = _compiled(node) if node else Condition("1")
    days = faults.setting("history_retention", "days")
    if days is None:
        return condition
    oldest = iso(store.now() - timedelta(days=days))
    return Condition(f"h.timestamp >= ? AND {condition.sql}", [oldest, *condition.parameters])


def _required_fields(node: Node | None) -> set[str]:
    """The fields that every matching record is compared by."""
    if isinstance(node, And):
        return set().union(*(_required_fields(part) for part in node.parts))
    return {node.field} if isinstance(node, Compare) and node.op in {"EQ", "IN"} else set()


def _compiled(node: Node) -> Condition:
    if isinstance(node, (And, Or)):
        return _joined([_compiled(part) for part in node.parts], isinstance(node, And))
    if isinstance(node, Not):
        part = _compiled(node.part)
        return Condition(f"NOT coalesce({part.sql}, 0)", part.parameters)
    if isinstance(node, Cross):
        if node.field != "user":
            raise bad_query(f"The field '{node.field}' of the history takes no sub-query")
        return _joined([_user(part) for part in node.alternatives], False)
    return _compared(node)


def _user(part: Node | Null | Literal) -> Condition:
    if isinstance(part, Compare) and part.field in _USER_COLUMNS:
        return _values(part, _USER_COLUMNS[part.field])
    raise bad_query("The user of a history record is found by id, name or full_name")


def _compared(node: Compare) -> Condition:
    if node.field in _COLUMNS:
        return _values(node, _COLUMNS[node.field])
    if node.field == "user":
        columns = _USER_COLUMNS.values()
        return _joined([_values(node, column) for column in columns], False)
    if node.field != "field_name":
        raise unknown_field(ENTITY_TYPE, node.field)
    entry = _values(node, "json_extract(entry.value, '$.field_name')")
    sql = f"EXISTS (SELECT 1 FROM json_each(h.change_set) entry WHERE {entry.sql})"
    return Condition(sql, entry.parameters)


def _values(node: Compare, column: str) -> Condition:
    single = moment_condition if node.field == "timestamp" else text_condition
    if node.op == "BTW":
        low, high = node.values
        return _joined([single(column, "GE", low), single(column, "LE", high)], True)
    op = "EQ" if node.op == "IN" else node.op
    return _joined([single(column, op, value) for value in node.values], False)


def _joined(parts: list[Condition], all_must_hold: bool) -> Condition:
    glue = " AND " if all_must_hold else " OR "
    sql = f"({glue.join(part.sql for part in parts)})"
    return Condition(sql, [value for part in parts for value in part.parameters])


def _order(text: str | None) -> str:
    """Records of one second keep the order in which they were saved, in both directions."""
    keys = []
    for item in (text or "-timestamp").split(","):
        name = item.strip()
        direction = "DESC" if name.startswith("-") else "ASC"
        if name.lstrip("-+") not in _COLUMNS:
            raise unknown_field(ENTITY_TYPE, name.lstrip("-+"))
        keys.append(f"{_COLUMNS[name.lstrip('-+')]} {direction}")
    return ", ".join([*keys, f"h.id {keys[0].rsplit(' ', 1)[1]}"])


def _record(fields: str | None) -> str:
    """SQL of a record: without `fields`, all that the server says."""
    names = [name.strip() for name in fields.split(",")] if fields else list(_RECORD)
    for name in names:
        if name not in _RECORD:
            raise unknown_field(ENTITY_TYPE, name)
    pairs = ",".join(f"'{name}',{_RECORD[name]}" for name in names)
    return f"json_object({pairs})"


def _respelled(text: str, keys: str, user: str) -> str:
    """A record in the spelling of another version."""
    record: dict[str, Any] = json.loads(text)
    names = _NEW_KEYS.get(keys, {})
    record["change_set"] = [
        {names.get(key, key): value for key, value in entry.items()}
        for entry in record.get("change_set", [])
    ]
    if user == "user_name" and "user" in record:
        record["user_name"] = record.pop("user")["full_name"]
    return json.dumps(record, ensure_ascii=False)
