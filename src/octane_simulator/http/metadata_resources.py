"""The metadata resources: entity types and fields, filtered by simple queries.

In: the schema, faults and the `query` parameter. Out: lists of JSON-ready objects. `matches` also
filters spaces and workspaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octane_simulator.faults.active_faults import Faults
from octane_simulator.model.entity_schema import Schema
from octane_simulator.model.field_model import TREE_ROOTS, EntityDef, FieldDef
from octane_simulator.model.refusals import bad_query, unknown_field
from octane_simulator.query.query_language import (
    WILDCARD,
    And,
    Cross,
    Literal,
    Node,
    Not,
    Null,
    Or,
    has_or,
    parse,
    unwrap,
)
from octane_simulator.rules.writer import UNIQUE
from octane_simulator.store.entity_store import Store

__all__ = ["entities", "fields", "matches"]

_METHODS = {"GET": "GET", "CREATE": "POST", "UPDATE": "PUT", "DELETE": "DELETE"}


def matches(node: Node, row: Mapping[str, Any], kind: str) -> bool:
    """Whether a flat JSON object fulfils a query tree."""
    if isinstance(node, And):
        return all(matches(part, row, kind) for part in node.parts)
    if isinstance(node, Or):
        return any(matches(part, row, kind) for part in node.parts)
    if isinstance(node, Not):
        return not matches(node.part, row, kind)
    if node.field not in row:
        raise unknown_field(kind, node.field)
    if isinstance(node, Cross):
        return any(_refers(row[node.field], part, kind) for part in node.alternatives)
    if node.op not in {"EQ", "IN"}:
        raise bad_query(f"The operator {node.op} cannot be used here")
    return any(_equal(row[node.field], value) for value in node.values)


def _refers(value: Any, part: Node | Null | Literal, kind: str) -> bool:
    """Whether a reference, or one of several, fulfils the inside of a pair of braces."""
    references = [value] if isinstance(value, Mapping) else value
    if not isinstance(references, list) or isinstance(part, Literal):
        raise bad_query(f"Only references of a {kind} take sub-queries, and those no token")
    if isinstance(part, Null):
        return not references
    return any(matches(part, reference, kind) for reference in references)


def _equal(value: Any, literal: Literal) -> bool:
    if literal.kind == "null":
        return value is None
    readable = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else value
    text, pattern = str(readable).casefold(), literal.text.casefold()
    if WILDCARD not in pattern:
        return text == pattern
    first, *middle, last = pattern.split(WILDCARD)
    if not (text.startswith(first) and text.endswith(last)):
        return False
    rest = text[len(first) : len(text) - len(last)]
    for part in middle:
        at = rest.find(part)
        if at < 0:
            return False
        rest = rest[at + len(part) :]
    return len(text) >= len(first) + len(last)


def _filtered(rows: list[dict[str, Any]], query: str | None, kind: str) -> dict[str, Any]:
    if query:
        node = parse(unwrap(query))
        if has_or(node):
            raise bad_query("Metadata queries take only the operator ;")
        rows = [row for row in rows if matches(node, row, kind)]
    return {"total_count": len(rows), "data": rows, "exceeds_total_count": False}


def entities(store: Store, query: str | None) -> dict[str, Any]:
    """`metadata/entities`."""
    rows = [_entity(store, entity) for entity in store.schema.entities.values() if entity.listed]
    return _filtered(rows, query, "entity_metadata")


def fields(
    schema: Schema, faults: Faults, query: str | None, *, wide: bool = False
) -> dict[str, Any]:
    """`metadata/fields`."""
    rows = [
        _field(entity, definition, faults)
        | ({"returned_by_default": schema.is_wide(entity.name, definition)} if wide else {})
        for entity in schema.entities.values()
        for definition in sorted(entity.fields.values(), key=lambda item: item.name)
        if entity.listed and not definition.filter_only
    ]
    return _filtered(rows, query, "field_metadata")


def _entity(store: Store, entity: EntityDef) -> dict[str, Any]:
    schema = store.schema
    family = schema.family(entity.name)
    features: list[dict[str, Any]] = []
    if entity.collection:
        features.append(
            {
                "name": "rest",
                "url": entity.collection,
                "methods": [_METHODS[method] for method in entity.methods],
                "access_level": entity.access_level,
            }
        )
    if entity.name in schema.subtypes:
        features.append(
            {"name": "subtypes", "types": list(schema.subtypes[entity.name]), "editable": False}
        )
    if entity.subtype_of:
        features.append({"name": "subtype_of", "type": entity.subtype_of})
    if family in TREE_ROOTS and "parent" in entity.fields:
        features.append(
            {
                "name": "hierarchy",
                "parent_types": list(entity.fields["parent"].targets),
                "root": {"type": TREE_ROOTS[family], "id": store.root(family)},
            }
        )
    features += [
        {"name": name, "relation_name": name}
        for name in ("attachments", "comments")
        if name in entity.fields
    ]
    if "phase" in entity.fields:
        features.append({"name": "phases"})
    if "CREATE" in entity.methods and entity.name not in schema.subtypes:
        features.append({"name": "user_defined_fields"})
    features.append({"name": "grouping"})
    return {
        "type": "entity_metadata",
        "name": entity.name,
        "label": entity.label,
        "description": "",
        "can_modify_label": False,
        "features": features,
    }


def _field(entity: EntityDef, definition: FieldDef, faults: Faults) -> dict[str, Any]:
    key = (entity.name, definition.name)
    row: dict[str, Any] = {
        "type": "field_metadata",
        "entity_name": entity.name,
        "name": definition.name,
        "label": definition.label,
        "description": "",
        "field_type": faults.by_field("odd_type").get(key, definition.field_type),
        "is_user_defined": definition.is_user_defined,
        "filterable": definition.filterable,
        "selectable": definition.selectable,
        "sortable": definition.sortable,
        "groupable": definition.is_reference,
        "visible_in_ui": True,
        "auditable": False,
        "returned_by_default": definition.returned_by_default,
        "required": definition.required,
        "unique": UNIQUE.get(entity.name) == (definition.name,),
        "editable": definition.editable,
        "final": definition.final,
        "sanitization": "HTML" if definition.field_type == "memo" else "NONE",
        "max_length": definition.max_length,
        "access_level": definition.access_level,
        "field_features": [],
    }
    if definition.field_type == "integer":
        row["min_value"], row["max_value"] = -(2**63), 2**63 - 1
    if definition.is_reference:
        data: dict[str, Any] = {"multiple": definition.multiple}
        if key in faults.by_field("missing_targets"):
            data["targets"] = None
        else:
            data["targets"] = [_target(definition, target) for target in definition.targets]
        row["field_type_data"] = data
    return row


def _target(definition: FieldDef, target: str) -> dict[str, Any]:
    if definition.list_root:
        return {"type": target, "logical_name": definition.list_root}
    return {"type": target}
