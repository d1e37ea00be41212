"""Query trees to SQLite conditions.

In: a tree of query_language.py and the entity type that it filters. Out: a condition over the table
alias and its parameters. Unknown or unfilterable fields and ill-typed values are ApiError 400.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from octane_simulator.model.field_model import NAMED_FAMILIES, FieldDef
from octane_simulator.model.moments import parse_moment
from octane_simulator.model.refusals import ApiError, bad_query, unknown_field
from octane_simulator.query.query_language import (
    WILDCARD,
    And,
    Compare,
    Cross,
    Literal,
    Node,
    Not,
    Null,
    Or,
)
from octane_simulator.store.entity_store import Store
from octane_simulator.store.table_layout import Column, column_of, quoted

__all__ = ["Condition", "compile_query", "moment_condition", "text_condition"]

_SQL_OPS = {"EQ": "=", "LT": "<", "GT": ">", "LE": "<=", "GE": ">="}
# References that also take bare ids, because history rows keep them as numbers.
_BARE_ID_FIELDS = frozenset({("run_history", "pipeline_id"), ("run_history", "pipeline_run_id"),
                             ("run_history", "pipeline")})  # fmt: skip
Tokens = Callable[[str], str]


@dataclass
class Condition:
    """A SQL condition over `alias` with its parameters."""

    sql: str
    parameters: list[Any] = field(default_factory=list)


def compile_query(store: Store, node: Node, entity: str, alias: str, tokens: Tokens) -> Condition:
    """The condition that a row of an entity type fulfils the tree."""
    return _Compiler(store, tokens).node(node, (entity,), alias)


class _Compiler:
    def __init__(self, store: Store, tokens: Tokens) -> None:
        self.store = store
        self.schema = store.schema
        self.tokens = tokens
        self.count = 0

    def node(self, node: Node, types: tuple[str, ...], alias: str) -> Condition:
        if isinstance(node, (And, Or)):
            parts = [self.node(part, types, alias) for part in node.parts]
            glue = " AND " if isinstance(node, And) else " OR "
            return Condition(
                "(" + glue.join(part.sql for part in parts) + ")",
                [value for part in parts for value in part.parameters],
            )
        if isinstance(node, Not):
            part = self.node(node.part, types, alias)
            return Condition(f"NOT coalesce({part.sql}, 0)", part.parameters)
        definition = self.schema.find_field(types, node.field)
        if definition is None:
            raise unknown_field(types[0], node.field)
        if not definition.filterable:
            raise ApiError(
                400,
                "platform.field_not_filterable",
                f"The field '{node.field}' of '{types[0]}' cannot be filtered by",
                {"entity_type": types[0], "field_name": node.field},
            )
        column = column_of(self.schema, self.schema.family(types[0]), definition)
        if isinstance(node, Cross):
            return self.cross(node, column, types, alias)
        return self.compare(node, column, types, alias)

    # -- references -----------------------------------------------------------------------------

    def cross(self, node: Cross, column: Column, types: tuple[str, ...], alias: str) -> Condition:
        if not column.field.is_reference:
            raise bad_query(f"The field '{node.field}' is not a reference: it takes no sub-query")
        parts = [self.alternative(part, column, types, alias) for part in node.alternatives]
        sql = " OR ".join(part.sql for part in parts)
        return Condition(
            f"({sql})" if len(parts) > 1 else sql,
            [value for part in parts for value in part.parameters],
        )

    def alternative(
        self, part: Node | Null | Literal, column: Column, types: tuple[str, ...], alias: str
    ) -> Condition:
        if isinstance(part, Null):
            return self.empty(column, types, alias)
        if isinstance(part, Literal):
            part = Compare("id", "EQ", (Literal("string", self.tokens(part.text)),))
        self.count += 1
        far = f"q{self.count}"
        targets = column.field.targets
        family = column.far_family
        inside = self.node(part, (*targets, family), far)
        rows = f"SELECT {far}.id FROM {quoted(family)} {far} WHERE {inside.sql}"
        if column.kind == "single":
            reference = f"{alias}.{quoted(column.field.name + '_id')}"
            return Condition(f"{reference} IN ({rows})", inside.parameters)
        owner = self.schema.family(types[0])
        if column.kind == "inverse":
            reference = quoted(self.schema.inverses[(owner, column.field.name)].reference + "_id")
            return Condition(
                f"{alias}.id IN (SELECT {far}.{reference} FROM {quoted(family)} {far}"
                f" WHERE {far}.{reference} IS NOT NULL AND {inside.sql})",
                inside.parameters,
            )
        end = self.schema.link_ends[(owner, column.field.name)]
        return Condition(
            f"{alias}.id IN (SELECT {end.own} FROM {quoted(end.link)} WHERE {end.far} IN ({rows}))",
            inside.parameters,
        )

    def empty(self, column: Column, types: tuple[str, ...], alias: str) -> Condition:
        name = column.field.name
        if column.kind == "single":
            return Condition(f"{alias}.{quoted(name + '_id')} IS NULL")
        owner = self.schema.family(types[0])
        if column.kind == "inverse":
            inverse = self.schema.inverses[(owner, name)]
            table, reference = quoted(inverse.child), quoted(inverse.reference + "_id")
        else:
            end = self.schema.link_ends[(owner, name)]
            table, reference = quoted(end.link), end.own
        return Condition(f"NOT EXISTS (SELECT 1 FROM {table} z WHERE z.{reference} = {alias}.id)")

    # -- scalars --------------------------------------------------------------------------------

    def compare(
        self, node: Compare, column: Column, types: tuple[str, ...], alias: str
    ) -> Condition:
        definition = column.field
        if definition.is_reference:
            return self.bare_reference(node, column, types, alias)
        if node.op == "BTW":
            low = self.single(definition, types, alias, "GE", node.values[0])
            high = self.single(definition, types, alias, "LE", node.values[1])
            return Condition(f"({low.sql} AND {high.sql})", low.parameters + high.parameters)
        op = "EQ" if node.op == "IN" else node.op
        parts = [self.single(definition, types, alias, op, value) for value in node.values]
        sql = " OR ".join(part.sql for part in parts)
        return Condition(
            f"({sql})" if len(parts) > 1 else sql,
            [value for part in parts for value in part.parameters],
        )

    def bare_reference(
        self, node: Compare, column: Column, types: tuple[str, ...], alias: str
    ) -> Condition:
        name = column.field.name
        values = node.values
        if node.op == "EQ" and values[0].kind == "null":
            return self.empty(column, types, alias)
        tokens_only = all(value.kind == "token" for value in values)
        if node.op in {"EQ", "IN"} and (tokens_only or (types[0], name) in _BARE_ID_FIELDS):
            inside = Compare("id", "IN", values)
            return self.alternative(inside, column, types, alias)
        raise bad_query(
            f"The field '{name}' is a reference: compare it with a sub-query in braces, not a value"
        )

    def single(
        self, definition: FieldDef, types: tuple[str, ...], alias: str, op: str, value: Literal
    ) -> Condition:
        family = self.schema.family(types[0])
        name = definition.name
        if value.kind == "token":
            value = Literal("string", self.tokens(value.text))
        if name == "is_test_last_run":
            sql = f"({alias}.test_of_last_run_id IS NOT NULL)"
            return Condition(f"{sql} = ?", [_boolean(name, value, op)])
        if name == "workspace_id":
            return Condition(f"{self.store.workspace} {_SQL_OPS[op]} ?", [_number(name, value)])
        sql = f"{alias}.{quoted('type' if name == 'subtype' else name)}"
        if value.kind == "null":
            if op != "EQ":
                raise bad_query(f"null cannot be compared by {op}")
            return Condition(f"{sql} IS NULL")
        if name == "id" and family not in NAMED_FAMILIES:
            return Condition(f"{sql} {_SQL_OPS[op]} ?", [_number(name, value)])
        kind = definition.field_type
        if kind in {"integer", "float"}:
            return Condition(f"{sql} {_SQL_OPS[op]} ?", [_number(name, value)])
        if kind == "boolean":
            return Condition(f"{sql} = ?", [_boolean(name, value, op)])
        if kind in {"date", "date_time"}:
            return moment_condition(sql, op, value)
        return text_condition(sql, op, value)


def _number(name: str, value: Literal) -> int | float:
    if value.kind in {"number", "string"}:
        text = value.text.strip()
        for reader in (int, float):
            try:
                number: int | float = reader(text)
            except ValueError:
                continue
            if abs(number) < 2**63:
                return number
    shown = value.text.replace(WILDCARD, "*")
    raise bad_query(f"The field '{name}' is a number: '{shown}' cannot be compared with it")


def _boolean(name: str, value: Literal, op: str) -> int:
    if op == "EQ" and value.text.lower() in {"true", "false"}:
        return int(value.text.lower() == "true")
    raise bad_query(f"The field '{name}' is a boolean: only EQ true and EQ false are possible")


def moment_condition(sql: str, op: str, value: Literal) -> Condition:
    """Comparison with a moment in any form that clients send."""
    moment, fraction = parse_moment(value.text)
    if fraction:  # stored times have whole seconds, so the fraction is cut off
        if op == "EQ":
            return Condition("0")
        op = {"GT": "GT", "GE": "GT", "LT": "LE", "LE": "LE"}[op]
    return Condition(f"{sql} {_SQL_OPS[op]} ?", [moment])


def text_condition(sql: str, op: str, value: Literal) -> Condition:
    """Case-insensitive comparison; plain ASCII is left to SQLite, which is faster and indexable."""
    text = value.text
    ascii_only = text.isascii()
    if op == "EQ" and WILDCARD in text:
        pattern = re.sub(r"([%_\\])", r"\\\1", text).replace(WILDCARD, "%")
        if set(pattern) == {"%"}:
            return Condition(f"{sql} IS NOT NULL")
        if ascii_only:
            return Condition(f"{sql} LIKE ? ESCAPE '\\'", [pattern])
        return Condition(f"fold({sql}) LIKE ? ESCAPE '\\'", [pattern.casefold()])
    text = text.replace(WILDCARD, "*")
    if op == "EQ" and ascii_only:
        return Condition(f"{sql} = ? COLLATE NOCASE", [text])
    return Condition(f"fold({sql}) {_SQL_OPS[op]} ?", [text.casefold()])
