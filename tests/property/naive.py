"""Octane's query language over Python dictionaries, as plainly as it can be said.

In: a tree of `Ask` values and rows as the REST API shows them. Out: the rows that fulfil it. Shares
nothing with the simulator: no parser, no SQL, no schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["All", "AnyOf", "Empty", "Field", "Not", "Ref", "holds", "text_of"]

Row = dict[str, Any]
World = dict[tuple[str, str], Row]  # (type, id) -> row


@dataclass(frozen=True)
class Field:
    """A scalar compared: op is EQ LT GT LE GE IN or BTW; values are text, numbers or booleans."""

    name: str
    op: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Ref:
    """At least one referenced row fulfils one of the alternatives."""

    name: str
    inside: tuple[Any, ...]


@dataclass(frozen=True)
class Empty:
    """Nothing is referenced, or a scalar is null."""

    name: str
    is_reference: bool


@dataclass(frozen=True)
class Not:
    part: Any


@dataclass(frozen=True)
class All:
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Any, ...]


def holds(ask: Any, row: Row, world: World) -> bool:
    """Whether a row fulfils a tree."""
    if isinstance(ask, All):
        return all(holds(part, row, world) for part in ask.parts)
    if isinstance(ask, AnyOf):
        return any(holds(part, row, world) for part in ask.parts)
    if isinstance(ask, Not):
        return not holds(ask.part, row, world)
    value = row.get(ask.name)
    if isinstance(ask, Empty):
        return not references(value) if ask.is_reference else value is None
    if isinstance(ask, Ref):
        targets = [world[target["type"], target["id"]] for target in references(value)]
        return any(holds(part, target, world) for target in targets for part in ask.inside)
    if value is None:
        return False
    if ask.op == "BTW":
        return compare(value, "GE", ask.values[0]) and compare(value, "LE", ask.values[1])
    op = "EQ" if ask.op == "IN" else ask.op
    return any(compare(value, op, wanted) for wanted in ask.values)


def references(value: Any) -> list[Row]:
    """What a single or multiple reference points at."""
    if value is None:
        return []
    return list(value["data"]) if "data" in value else [value]


def compare(value: Any, op: str, wanted: Any) -> bool:
    """Text without case and with `*`; everything else as it is."""
    if isinstance(wanted, int) and not isinstance(wanted, bool) and isinstance(value, str):
        value = int(value)  # an id
    if isinstance(value, str):
        value, wanted = value.casefold(), wanted.casefold()
        if op == "EQ" and "*" in wanted:
            pattern = ".*".join(re.escape(part) for part in wanted.split("*"))
            return re.fullmatch(pattern, value, re.DOTALL) is not None
    if op == "EQ":
        return bool(value == wanted)
    return bool(
        {"LT": value < wanted, "GT": value > wanted, "LE": value <= wanted, "GE": value >= wanted}[
            op
        ]
    )


def text_of(ask: Any) -> str:
    """The tree in the query language, in parentheses wherever they are allowed."""
    if isinstance(ask, (All, AnyOf)):
        glue = ";" if isinstance(ask, All) else "||"
        return "(" + glue.join(text_of(part) for part in ask.parts) + ")"
    if isinstance(ask, Not):
        return f"!({text_of(ask.part)})"
    if isinstance(ask, Empty):
        return f"{ask.name} EQ {'{null}' if ask.is_reference else 'null'}"
    if isinstance(ask, Ref):
        op = "EQ" if len(ask.inside) == 1 else "IN"
        return f"{ask.name} {op} " + ",".join(f"{{{text_of(part)}}}" for part in ask.inside)
    shown = [_literal(value) for value in ask.values]
    return f"{ask.name} {ask.op} " + ("..." if ask.op == "BTW" else ",").join(shown)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return "^" + re.sub(r"([\\^\"'()])", r"\\\1", value) + "^"
