"""Rows to JSON text, inside SQLite.

In: the wanted fields (with expansion) of an entity type. Out: one SQL expression that yields the
JSON object of a row, so that Python never touches the values of a page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from octane_flows.simulator.answers import illegal_value, unknown_field
from octane_flows.simulator.schema import FieldDef
from octane_flows.simulator.store import Store
from octane_flows.simulator.tables import column_of, quoted

__all__ = ["Wanted", "default_fields", "has_expansion", "parse_fields", "row_expression"]

MAX_EXPANSION = 3
EMPTY_LIST = '{"total_count":0,"data":[]}'


@dataclass
class Wanted:
    """Names of fields, each with the expansion asked for (None: only type and id)."""

    fields: dict[str, Wanted | None] = field(default_factory=dict)


def parse_fields(text: str) -> Wanted:
    """The `fields` parameter: `name,owner{full_name},test{id,release{name}}`."""
    wanted, at = _field_list(text, 0, 0)
    if at != len(text):
        raise illegal_value(f"Unexpected '{text[at]}' at position {at} of the fields parameter")
    return wanted


def _field_list(text: str, at: int, depth: int) -> tuple[Wanted, int]:
    if depth > MAX_EXPANSION:
        raise illegal_value(f"Fields can be expanded over {MAX_EXPANSION} levels at most")
    wanted = Wanted()
    while at < len(text) and text[at] != "}":
        start = at
        while at < len(text) and text[at] not in ",{}":
            at += 1
        name = text[start:at].strip()
        inner: Wanted | None = None
        if at < len(text) and text[at] == "{":
            inner, at = _field_list(text, at + 1, depth + 1)
            if at >= len(text) or text[at] != "}":
                raise illegal_value("A brace of the fields parameter is not closed")
            at += 1
        if name:
            wanted.fields[name] = inner
        elif inner is not None:
            raise illegal_value("An expansion in the fields parameter has no field name")
        if at < len(text) and text[at] == ",":
            at += 1
        elif at < len(text) and text[at] != "}":
            raise illegal_value(f"Expected a comma at position {at} of the fields parameter")
    return wanted, at


def has_expansion(wanted: Wanted) -> bool:
    """Whether any field is expanded (which needs the preview header)."""
    return any(inner is not None for inner in wanted.fields.values())


def default_fields(store: Store, entity: str) -> Wanted:
    """What comes back when `fields` is not given."""
    return Wanted(
        {f.name: None for f in store.schema.entities[entity].fields.values()
         if f.returned_by_default}
    )  # fmt: skip


def row_expression(
    store: Store,
    wanted: Wanted,
    types: tuple[str, ...],
    alias: str,
    type_sql: str | None = None,
    dead_link: str | None = None,
) -> str:
    """SQL for the JSON object of the row at `alias`; `type` and `id` are always in it."""
    renderer = _Renderer(store, dead_link)
    return renderer.row(wanted, types, alias, type_sql or f"{alias}.type")


class _Renderer:
    def __init__(self, store: Store, dead_link: str | None) -> None:
        self.store = store
        self.schema = store.schema
        self.count = 0

    def row(self, wanted: Wanted, types: tuple[str, ...], alias: str, type_sql: str) -> str:
        parts = [f"""'{{"type":"'||{type_sql}||'","id":"'||{alias}.id||'"'"""]
        for name, inner in wanted.fields.items():
            if name in {"id", "type"}:
                continue
            definition = self.schema.find_field(types, name)
            if definition is None or definition.filter_only:
                raise unknown_field(types[0], name)
            key = json.dumps(name) + ":"
            parts.append(f"',{key}'||{self.value(definition, inner, types, alias)}")
        parts.append("'}'")
        return "||".join(parts)

    def value(
        self, definition: FieldDef, inner: Wanted | None, types: tuple[str, ...], alias: str
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
            plain = f"""coalesce('{{"type":"'||{kind}||'","id":"'||{reference}||'"}}','null')"""
            if inner is None:
                return plain
            far = self.alias()
            types_of_far = (*definition.targets, column.far_family)
            row = self.row(inner, types_of_far, far, kind_of(far, fixed))
            return (
                f"coalesce((SELECT {row} FROM {quoted(column.far_family)} {far}"
                f" WHERE {far}.id = {reference}),{plain})"
            )
        if column.kind == "link":
            end = self.schema.link_ends[(family, name)]
            if not self.store.link_filled(end.link):
                return f"'{EMPTY_LIST}'"
            link = self.alias()
            source = f"{quoted(end.link)} {link}"
            condition = f"{link}.{end.own} = {alias}.id"
            item = _reference(fixed, f"{link}.{end.far}_type", f"{link}.{end.far}")
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
            item = _reference(fixed, f"{far}.type", f"{far}.id")
            if inner is not None:
                item = self.row(
                    inner, (*definition.targets, inverse.child), far, kind_of(far, fixed)
                )
        return (
            """(SELECT '{"total_count":'||count(*)||',"data":['||"""
            f"coalesce(group_concat({item}),'')||']}}' FROM {source} WHERE {condition})"
        )

    def scalar(self, definition: FieldDef, alias: str) -> str:
        name = definition.name
        if name == "workspace_id":
            return f"'{self.store.workspace}'"
        value = f"{alias}.{quoted('type' if name == 'subtype' else name)}"
        if definition.field_type == "boolean":
            return f"CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END"
        if definition.field_type in {"integer", "object"}:
            return f"coalesce({value},'null')"
        if definition.field_type in {"date_time", "date"}:
            return f"""coalesce('"'||{value}||'"','null')"""
        return f"json_quote({value})"

    def alias(self) -> str:
        self.count += 1
        return f"x{self.count}"


def kind_of(far: str, fixed: str | None) -> str:
    """SQL for the type shown of a referenced row."""
    return f"'{fixed}'" if fixed else f"{far}.type"


def _reference(fixed: str | None, kind: str, identifier: str) -> str:
    shown = f"'{fixed}'" if fixed else kind
    return f"""'{{"type":"'||{shown}||'","id":"'||{identifier}||'"}}'"""
