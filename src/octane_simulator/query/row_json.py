"""Rows to JSON text, inside SQLite.

In: the requested fields (with expansion) of an entity type. Out: one SQL expression that yields the
JSON object of a row, so that Python never touches the values of a page.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from octane_simulator.model.field_model import FieldDef
from octane_simulator.model.refusals import illegal_value, unknown_field
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import column_of, quoted

__all__ = ["RequestedFields", "default_fields", "has_expansion", "parse_fields", "row_expression"]

MAX_EXPANSION = 3
MAX_PAIRS = 50  # of one json_object call: SQLite takes 127 arguments unless built otherwise
_ANY_LENGTH = 2**31 - 1
EMPTY_LIST = '{"total_count":0,"data":[]}'


@dataclass
class RequestedFields:
    """Names of fields, each with its expansion (None: only type and id)."""

    fields: dict[str, RequestedFields | None] = field(default_factory=dict)


def parse_fields(text: str) -> RequestedFields:
    """The `fields` parameter: `name,owner{full_name},test{id,release{name}}`."""
    requested, at = _field_list(text, 0, 0)
    if at != len(text):
        raise illegal_value(f"Unexpected '{text[at]}' at position {at} of the fields parameter")
    return requested


def _field_list(text: str, at: int, depth: int) -> tuple[RequestedFields, int]:
    if depth > MAX_EXPANSION:
        raise illegal_value(f"Fields can be expanded over {MAX_EXPANSION} levels at most")
    requested = RequestedFields()
    while at < len(text) and text[at] != "}":
        start = at
        while at < len(text) and text[at] not in ",{}":
            at += 1
        name = text[start:at].strip()
        inner: RequestedFields | None = None
        if at < len(text) and text[at] == "{":
            inner, at = _field_list(text, at + 1, depth + 1)
            if at >= len(text) or text[at] != "}":
                raise illegal_value("A brace of the fields parameter is not closed")
            at += 1
        if name:
            requested.fields[name] = inner
        elif inner is not None:
            raise illegal_value("An expansion in the fields parameter has no field name")
        if at < len(text) and text[at] == ",":
            at += 1
        elif at < len(text) and text[at] != "}":
            raise illegal_value(f"Expected a comma at position {at} of the fields parameter")
    return requested, at


def has_expansion(requested: RequestedFields) -> bool:
    """Whether any field is expanded (which needs the preview header)."""
    return any(inner is not None for inner in requested.fields.values())


def default_fields(store: Store, entity: str, *, wide: bool = False) -> RequestedFields:
    """The fields of an answer without the parameter `fields`; wide for some client types."""
    fields = store.schema.entities[entity].fields.values()
    if not wide:
        return RequestedFields({f.name: None for f in fields if f.returned_by_default})
    columns = store.columns(store.schema.family(entity))
    requested = RequestedFields()
    for definition in fields:
        if store.schema.is_wide(entity, definition):
            column = columns[definition.name]
            shows_name = column.kind == "single" and "name" in store.columns(column.far_family)
            inner = RequestedFields({"name": None}) if shows_name else None
            requested.fields[definition.name] = inner
    return requested


def row_expression(
    store: Store,
    requested: RequestedFields,
    types: tuple[str, ...],
    alias: str,
    type_sql: str | None = None,
) -> str:
    """SQL for the JSON object of the row at `alias`; `type` and `id` are always in it."""
    return _joined(_Renderer(store).pairs(requested, types, alias, type_sql or f"{alias}.type"))


class _Renderer:
    """Expressions of fields; objects and lists keep SQLite's mark of being JSON."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.schema = store.schema
        self.count = 0

    def pairs(
        self, requested: RequestedFields, types: tuple[str, ...], alias: str, type_sql: str
    ) -> list[str]:
        """Name and value of each field, as arguments of json_object."""
        pairs = [f"'type',{type_sql}", f"'id',{_text(alias + '.id')}"]
        for name, inner in requested.fields.items():
            if name in {"id", "type"}:
                continue
            definition = self.schema.find_field(types, name)
            if definition is None or definition.filter_only or not definition.selectable:
                raise unknown_field(types[0], name)
            pairs.append(f"'{name}',{self.value(definition, inner, types, alias)}")
        return pairs

    def row(
        self, requested: RequestedFields, types: tuple[str, ...], alias: str, type_sql: str
    ) -> str:
        pairs = self.pairs(requested, types, alias, type_sql)
        whole = _joined(pairs)
        return whole if len(pairs) <= MAX_PAIRS else f"json({whole})"

    def value(
        self,
        definition: FieldDef,
        inner: RequestedFields | None,
        types: tuple[str, ...],
        alias: str,
    ) -> str:
        name = definition.name
        family = self.schema.family(types[0])
        if not definition.is_reference:
            return self.scalar(definition, alias)
        column = column_of(self.schema, family, definition)
        fixed = definition.targets[0] if definition.targets == ("application_module",) else None
        if column.kind == "single":
            reference = f"{alias}.{quoted(name + '_id')}"
            kind = f"'{fixed}'" if fixed else f"{alias}.{quoted(name + '_type')}"
            plain = f"iif({reference} IS NULL,NULL,{_reference(kind, reference)})"
            if inner is None:
                return plain
            far = self.alias()
            types_of_far = (*definition.targets, column.far_family)
            row = self.row(inner, types_of_far, far, kind_of(far, fixed))
            return (
                f"json(coalesce((SELECT {row} FROM {quoted(column.far_family)} {far}"
                f" WHERE {far}.id = {reference}),{plain}))"
            )
        if column.kind == "link":
            end = self.schema.link_ends[(family, name)]
            if not self.store.link_filled(end.link):
                return f"json('{EMPTY_LIST}')"
            link = self.alias()
            source = f"{quoted(end.link)} {link}"
            condition = f"{link}.{end.own} = {alias}.id"
            kind = f"'{fixed}'" if fixed else f"{link}.{end.far}_type"
            item = _reference(kind, f"{link}.{end.far}")
            if inner is not None:
                far = self.alias()
                source += f" JOIN {quoted(end.far_family)} {far} ON {far}.id = {link}.{end.far}"
                item = self.row(
                    inner, (*definition.targets, end.far_family), far, kind_of(far, fixed)
                )
        else:
            inverse = self.schema.inverses[(family, name)]
            far = self.alias()
            source = f"{quoted(inverse.child)} {far}"
            condition = f"{far}.{quoted(inverse.reference + '_id')} = {alias}.id"
            item = _reference(kind_of(far, fixed), f"{far}.id")
            if inner is not None:
                item = self.row(
                    inner, (*definition.targets, inverse.child), far, kind_of(far, fixed)
                )
        # json() because a sub-query's value has no mark of being JSON on every SQLite.
        return (
            f"json((SELECT json_object('total_count',count(*),'data',json_group_array({item}))"
            f" FROM {source} WHERE {condition}))"
        )

    def scalar(self, definition: FieldDef, alias: str) -> str:
        name = definition.name
        if name == "workspace_id":
            return self.store.workspace
        value = f"{alias}.{quoted('type' if name == 'subtype' else name)}"
        if definition.field_type == "boolean":
            return f"json(CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
        if definition.field_type == "object":
            return f"json({value})"
        return value

    def alias(self) -> str:
        self.count += 1
        return f"x{self.count}"


def kind_of(far: str, fixed: str | None) -> str:
    """SQL for the type shown of a referenced row."""
    return f"'{fixed}'" if fixed else f"{far}.type"


def _text(identifier: str) -> str:
    return f"CAST({identifier} AS TEXT)"


def _reference(kind: str, identifier: str) -> str:
    return f"json_object('type',{kind},'id',{_text(identifier)})"


def _joined(pairs: list[str]) -> str:
    """One JSON object of many pairs: as text when one function call cannot take them all."""
    parts = [
        f"json_object({','.join(pairs[at : at + MAX_PAIRS])})"
        for at in range(0, len(pairs), MAX_PAIRS)
    ]
    if len(parts) == 1:
        return parts[0]
    # A negative length counts back from the last character, which is the closing brace.
    first = f"substr({parts[0]},-1,-{_ANY_LENGTH})"
    middle = [f"substr(substr({part},2),-1,-{_ANY_LENGTH})" for part in parts[1:-1]]
    return "||','||".join([first, *middle, f"substr({parts[-1]},2)"])
