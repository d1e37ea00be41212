"""One value of a write, checked against the field it is for.

In: an entity type, a field's name, a JSON value. Out: the value as the store takes it, or the
server's refusal. Called by writer.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from octane_simulator.model.field_model import SHARED_STORAGE, EntityDef, FieldDef
from octane_simulator.model.moments import parse_moment
from octane_simulator.model.refusals import ApiError, entity_not_found, illegal_value, unknown_field
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import column_of

__all__ = ["Values", "not_editable"]


class Values:
    """Checks the values of one workspace."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.schema = store.schema

    def value(self, entity: EntityDef, name: str, value: Any) -> Any:
        """A value as it is stored, or ApiError: unknown, read-only, or not of the field's kind."""
        definition = entity.fields.get(name)
        if definition is None or definition.filter_only:
            raise unknown_field(entity.name, name)
        if not definition.editable:
            raise not_editable(entity, name)
        if not definition.is_reference:
            return None if value is None else _scalar(entity, definition, value)
        if definition.multiple:
            return self._references(entity, definition, value)
        return None if value is None else self._reference(entity, definition, value)

    def _references(self, entity: EntityDef, definition: FieldDef, value: Any) -> list[Any]:
        items = value.get("data") if isinstance(value, Mapping) else value
        if items is None:
            return []
        if not isinstance(items, Sequence) or isinstance(items, str):
            raise _illegal(entity, definition, 'a list of references in {"data": [...]}')
        return [self._reference(entity, definition, item) for item in items]

    def _reference(self, entity: EntityDef, definition: FieldDef, value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping) or "id" not in value or "type" not in value:
            raise _illegal(entity, definition, "a reference with type and id")
        kind, identifier = str(value["type"]), str(value["id"])
        family = column_of(self.schema, self.schema.family(entity.name), definition).far_family
        if self.schema.family(kind) != family:
            raise _illegal(entity, definition, f"a reference to {' or '.join(definition.targets)}")
        stored_type = self.store.type_of(family, identifier)
        if stored_type is None or (
            kind != stored_type and kind not in {family, "application_module"}
        ):
            raise entity_not_found(kind, identifier)
        self._check_target(entity, definition, stored_type)
        if definition.list_root:
            node = self.store.read("SELECT list_root_id FROM list_node WHERE id = ?", (identifier,))
            if node[0][0] != definition.list_root:
                raise _illegal(entity, definition, f"a node of the list {definition.list_root}")
        if stored_type == "phase" and definition.name == "phase":
            phase = self.store.read("SELECT entity FROM phase WHERE id = ?", (identifier,))
            if phase[0][0] != entity.name:
                raise _illegal(entity, definition, f"a phase of {entity.name}")
        return {"type": stored_type, "id": identifier}

    def _check_target(self, entity: EntityDef, definition: FieldDef, stored_type: str) -> None:
        """Refuse a row of a type that the field does not take."""
        allowed_types = {SHARED_STORAGE.get(target, target) for target in definition.targets}
        for target in definition.targets:
            allowed_types.update(self.schema.subtypes.get(target, ()))
        if stored_type not in allowed_types:
            raise _illegal(entity, definition, f"a reference to {' or '.join(definition.targets)}")


def not_editable(entity: EntityDef, name: str) -> ApiError:
    """The refusal of a field that may not be written."""
    return ApiError(
        403,
        "platform.modify_non_editable_field",
        f"The field '{name}' of '{entity.name}' cannot be edited",
        {"entity_type": entity.name, "field_name": name},
        business_error=True,
    )


def _illegal(entity: EntityDef, definition: FieldDef, accepted: str) -> ApiError:
    return illegal_value(
        f"The field '{definition.name}' of '{entity.name}' takes {accepted}",
        {"entity_type": entity.name, "field_name": definition.name},
    )


def _scalar(entity: EntityDef, definition: FieldDef, value: Any) -> Any:
    kind = definition.field_type
    if kind in {"string", "memo"}:
        if not isinstance(value, str):
            raise _illegal(entity, definition, "text")
        if definition.max_length and len(value) > definition.max_length:
            raise _illegal(entity, definition, f"at most {definition.max_length} characters")
        return value
    if kind == "boolean":
        if not isinstance(value, bool):
            raise _illegal(entity, definition, "true or false")
        return value
    if kind == "integer":
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
            raise _illegal(entity, definition, "a whole number of 64 bits")
        return value
    if kind == "float":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _illegal(entity, definition, "a number")
        if not -inf < value < inf or (isinstance(value, int) and abs(value) >= 2**63):
            raise _illegal(entity, definition, "a number that fits into 64 bits")
        return value
    if kind in {"date", "date_time"}:
        try:
            return parse_moment(str(value))[0]
        except ApiError as error:
            raise _illegal(entity, definition, "an ISO date") from error
    return value
