"""Octane's query language: field names and values in, a statement out. Pure.

Every character of a value is escaped here and percent-encoded once, in `encode`. Callers combine
`field("name").eq(...)` with `&`, `|` and `~`, and pass the result to the client.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeAlias
from urllib.parse import quote

__all__ = ["FieldRef", "Id", "Query", "Value", "encode", "encode_query", "field", "is_field_name"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
# How strongly a statement binds: || binds least, then ; then a single phrase.
_OR, _AND, _PHRASE = 0, 1, 2


@dataclass(frozen=True)
class Id:
    """An entity's id: a number is written bare, a name such as phase.defect.new as text."""

    value: str | int


Value: TypeAlias = "str | int | float | bool | date | datetime | Id"


@dataclass(frozen=True)
class Query:
    """One statement, without the double quotes around it; `str()` gives its text."""

    text: str
    rank: int = _PHRASE

    def __str__(self) -> str:
        return self.text

    def __and__(self, other: Query) -> Query:
        return Query(f"{self._inside(_AND)};{other._inside(_AND)}", _AND)

    def __or__(self, other: Query) -> Query:
        return Query(f"{self.text}||{other.text}", _OR)

    def __invert__(self) -> Query:
        return Query(f"!({self.text})", _PHRASE)

    def __bool__(self) -> bool:
        raise TypeError("Combine queries with & | ~ (and, or, not would drop one of them).")

    def _inside(self, rank: int) -> str:
        return f"({self.text})" if self.rank < rank else self.text


@dataclass(frozen=True)
class FieldRef:
    """A field to compare; times are sent in UTC with whole seconds."""

    name: str

    def eq(self, value: Value | Query) -> Query:
        """Equal, or for a reference: the other entity matches the sub-query."""
        return Query(f"{self.name} EQ {_exact(value)}")

    def like(self, pattern: str) -> Query:
        """Text with `*` for any characters."""
        return Query(f"{self.name} EQ {_string(pattern)}")

    def in_(self, values: Iterable[Value | Query]) -> Query:
        """Equal to one of the values."""
        items = [_exact(value) for value in values]
        if not items:
            raise ValueError(f"{self.name}: IN needs at least one value.")
        return Query(f"{self.name} IN {','.join(items)}")

    def between(self, low: Value, high: Value) -> Query:
        """From low to high, both included."""
        return Query(f"{self.name} BTW {_literal(low)}...{_literal(high)}")

    def lt(self, value: Value) -> Query:
        """Less than."""
        return Query(f"{self.name} LT {_literal(value)}")

    def le(self, value: Value) -> Query:
        """Less than or equal."""
        return Query(f"{self.name} LE {_literal(value)}")

    def gt(self, value: Value) -> Query:
        """Greater than."""
        return Query(f"{self.name} GT {_literal(value)}")

    def ge(self, value: Value) -> Query:
        """Greater than or equal."""
        return Query(f"{self.name} GE {_literal(value)}")

    def is_null(self) -> Query:
        """A scalar field without a value."""
        return Query(f"{self.name} EQ null")

    def is_empty(self) -> Query:
        """A reference without a target."""
        return Query(f"{self.name} EQ {{null}}")


def is_field_name(name: str) -> bool:
    """Whether a name can stand in a query."""
    return _NAME.fullmatch(name) is not None


def field(name: str) -> FieldRef:
    """A field by its API name. Raises ValueError for a text that cannot be a field's name."""
    if not is_field_name(name):
        raise ValueError(f"{name!r} is not the name of a field; use its API name, as in metadata.")
    return FieldRef(name)


def encode(text: str) -> str:
    """Percent-encode all but unreserved characters, as UTF-8."""
    return quote(text, safe="")


def encode_query(query: Query | str) -> str:
    """The value of the `query` parameter: quoted, then encoded once."""
    return encode(f'"{query}"')


def encode_names(names: Sequence[str]) -> str:
    """A list of names for `fields` or `order_by`; commas are not encoded."""
    return quote(",".join(names), safe=",")


def _exact(value: Value | Query) -> str:
    if isinstance(value, Query):
        return f"{{{value.text}}}"
    if isinstance(value, str) and "*" in value:
        raise ValueError(
            f"{value!r} contains *, which Octane always reads as a wildcard; use like() if that is "
            "meant, or compare the rows after reading them."
        )
    return _literal(value)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be in a query; give a finite number.")
        return format(Decimal(repr(value)), "f")  # the language has no exponents
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; give a time in UTC.")
        return f"^{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z^"
    if isinstance(value, date):
        return f"^{value.isoformat()}^"
    if isinstance(value, Id):
        text = str(value.value)
        return text if re.fullmatch(r"[0-9]+", text) else _string(text)
    if isinstance(value, str):
        return _string(value)
    raise ValueError(f"{value!r} cannot be in a query; for no value use is_null() or is_empty().")


def _string(text: str) -> str:
    # Between carets nothing can be escaped. A caret, a backslash or the double quote that ends
    # the statement therefore needs the form with apostrophes and backslashes.
    if not any(char in text for char in '^"\\'):
        return f"^{text}^"
    return "'" + re.sub(r"([\\\"'()])", r"\\\1", text) + "'"
