"""User-defined fields: what a definition must look like, and the field it makes.

In: rows of `metadata_fields`. Out: refusals, or fields in the schema of every workspace that shares
the definition. Called by writer.py, write_effects.py, simulated_workspace.py and
simulated_space.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from octane_simulator.model.extra_types import UDF_KINDS
from octane_simulator.model.field_model import FieldDef
from octane_simulator.model.refusals import ApiError, duplicate, illegal_value
from octane_simulator.store.entity_store import Store

__all__ = ["check_definition", "define", "field_of", "kind_of_field", "restore"]

_NAME = re.compile(r"[a-z][a-z0-9_]*_udf$")
# The highest number of fields of these kinds in a workspace, from the help of 12.55.
_LIMITS = (
    (("field_metadata_string", "field_metadata_long_string", "field_metadata_boolean"), 100),
    (("field_metadata_long",), 50),
    (("field_metadata_date_time",), 10),
)
_MULTIPLE = frozenset(
    {
        "field_metadata_list",
        "field_metadata_ref_to_release",
        "field_metadata_ref_to_team",
        "field_metadata_ref_to_user",
    }
)


def _refusal(problem: str, field: str) -> ApiError:
    return illegal_value(problem, {"entity_type": "field_metadata", "field_name": field})


def check_definition(store: Store, kind: str, values: Mapping[str, Any]) -> None:
    """Refuse a new definition that breaks a rule; ApiError 400 or 409."""
    name, owner = str(values["name"]), str(values["entity_type"])
    if not _NAME.match(name):
        raise _refusal(f"'{name}' must be lower case without punctuation and end with _udf", "name")
    entity = store.schema.entities.get(owner)
    if entity is None or "CREATE" not in entity.methods or owner in store.schema.subtypes:
        raise _refusal(f"The entity type '{owner}' takes no user-defined fields", "entity_type")
    root = values.get("list")
    if (kind == "field_metadata_list") != (root is not None):
        raise _refusal("A list, and only that kind of field, names its list root in 'list'", "list")
    if root is not None:
        node = store.get("list_node", root["id"], links=()) or {}
        if node.get("list_root") is not None:
            raise _refusal(f"'{root['id']}' is a node of a list, not the root of one", "list")
    if values.get("multiple") and kind not in _MULTIPLE:
        raise _refusal(f"A field of the kind {kind} has a single value", "multiple")
    for kinds, most in _LIMITS:
        marks = ", ".join("?" * len(kinds))
        counts = store.read(f"SELECT count(*) FROM field_metadata WHERE type IN ({marks})", kinds)
        if kind in kinds and counts[0][0] >= most:
            raise _refusal(f"A workspace has at most {most} fields of this kind", "subtype")
    _check_name_is_free(store, owner, field_of(kind, values))


def _check_name_is_free(store: Store, owner: str, new: FieldDef) -> None:
    for peer in store.peers:
        schema = peer.schema
        sibling = schema.family_fields(schema.family(owner)).get(new.name)
        taken = new.name in schema.entities[owner].fields
        # Types of one family share a column, so the same name means the same kind of value.
        differs = sibling is not None and (
            (sibling.field_type, sibling.multiple, sibling.targets)
            != (new.field_type, new.multiple, new.targets)
        )
        if taken or differs:
            problem = (
                f"There is already a field '{new.name}' of '{owner}' or of a type of its family"
            )
            raise duplicate("field_metadata", "name", problem)


def field_of(kind: str, values: Mapping[str, Any]) -> FieldDef:
    """The field that a definition makes."""
    field_type, target, max_length = UDF_KINDS[kind]
    multiple = bool(values.get("multiple"))
    root = values.get("list")
    return FieldDef(
        str(values["name"]), str(values["label"]), field_type, multiple,
        (target,) if target else (), root["id"] if root else None,
        filterable=True, sortable=not multiple, editable=True, max_length=max_length,
        is_user_defined=True,
    )  # fmt: skip


def kind_of_field(definition: FieldDef) -> str | None:
    """The subtype of the definition that would make this field, if there is one."""
    for kind, (field_type, target, max_length) in UDF_KINDS.items():
        targets = (target,) if target else ()
        properties = (definition.field_type, definition.targets, definition.max_length)
        if properties == (field_type, targets, max_length):
            return kind
    return None


def define(store: Store, kind: str, values: Mapping[str, Any]) -> None:
    """Give the field to every workspace that shares the definition."""
    for peer in store.peers:
        peer.add_field(str(values["entity_type"]), field_of(kind, values))


def restore(store: Store) -> None:
    """Define the fields of a store that was opened from a file."""
    for row in store.find("field_metadata"):
        define(store, row["type"], row)
