"""Octane's query language: field names and values in, a statement out. Pure.

Every character of a value is escaped here and percent-encoded once, in `encode`. Callers combine
`field("name").eq(...)` with `&`, `|` and `~`, and pass the result to the client, which writes it in
the dialect that the server takes.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeAlias
from urllib.parse import quote

from octane_flows.client.query_dialect import (
    AND,
    CROSS,
    DOCUMENTED,
    EMPTY,
    NULL,
    OR,
    PHRASE,
    TEXT,
    TIME,
    Dialect,
)

__all__ = [
    "FieldRef",
    "Id",
    "Phrase",
    "Query",
    "Value",
    "encode",
    "encode_query",
    "field",
    "is_field_name",
]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


@dataclass(frozen=True)
class Id:
    """An entity's id: a number is written bare, a name such as phase.defect.new as text."""

    value: str | int


@dataclass(frozen=True)
class Pattern:
    """A text in which `*` stands for any characters."""

    text: str


Value: TypeAlias = "str | int | float | bool | date | datetime | Id"
Operand: TypeAlias = "Value | Pattern | Query"


class Query(ABC):
    """One statement, without the double quotes around it; `str()` gives its documented text."""

    @abstractmethod
    def write(self, dialect: Dialect) -> tuple[str, int]:
        """The text in a server's dialect, and how strongly it binds."""

    @abstractmethod
    def phrases(self) -> Iterator[Phrase]:
        """The comparisons that it is made of; those of a sub-query belong to their reference."""

    @property
    def text(self) -> str:
        """The text as the vendor documents the language."""
        return self.write(DOCUMENTED)[0]

    def __str__(self) -> str:
        return self.text

    def __and__(self, other: Query) -> Query:
        return _joined(self, other, AND)

    def __or__(self, other: Query) -> Query:
        return _joined(self, other, OR)

    def __invert__(self) -> Query:
        return _Not(self)

    def __bool__(self) -> bool:
        raise TypeError("Combine queries with & | ~ (and, or, not would drop one of them).")


@dataclass(frozen=True)
class Phrase(Query):
    """A field compared with values; `operator` is a feature of `query_dialect`."""

    name: str
    operator: str
    operands: tuple[Operand, ...] = ()

    def write(self, dialect: Dialect) -> tuple[str, int]:
        """The comparison, or what stands for it where the server does not take it."""
        values = [_written(operand, dialect) for operand in self.operands]
        return dialect.comparison(self.operator, self.name, values)

    def phrases(self) -> Iterator[Phrase]:
        """Itself."""
        yield self

    def features(self) -> Iterator[str]:
        """What a server must take for it: operator, forms of values, those of its sub-queries."""
        yield self.operator
        for operand in self.operands:
            if isinstance(operand, Query):
                yield CROSS
                for phrase in operand.phrases():
                    yield from phrase.features()
            elif _written(operand, DOCUMENTED).startswith("^"):
                yield TEXT
            if isinstance(operand, datetime):
                yield TIME


@dataclass(frozen=True)
class _Joined(Query):
    """Statements of which all hold (`AND`) or at least one (`OR`)."""

    parts: tuple[Query, ...]
    binds: int

    def write(self, dialect: Dialect) -> tuple[str, int]:
        """The texts, in brackets where they bind less."""
        texts = []
        for part in self.parts:
            text, binds = part.write(dialect)
            texts.append(f"({text})" if binds < self.binds else text)
        return (";" if self.binds == AND else "||").join(texts), self.binds

    def phrases(self) -> Iterator[Phrase]:
        """The comparisons of all."""
        for part in self.parts:
            yield from part.phrases()


def _joined(left: Query, right: Query, binds: int) -> Query:
    """Both in one list, so that a long chain of statements does not nest."""
    if isinstance(left, _Joined) and left.binds == binds:
        return _Joined((*left.parts, right), binds)
    return _Joined((left, right), binds)


@dataclass(frozen=True)
class _Not(Query):
    """A statement that does not hold."""

    part: Query

    def write(self, dialect: Dialect) -> tuple[str, int]:
        """The text in brackets."""
        return f"!({self.part.write(dialect)[0]})", PHRASE

    def phrases(self) -> Iterator[Phrase]:
        """The comparisons that do not hold."""
        yield from self.part.phrases()


@dataclass(frozen=True)
class FieldRef:
    """A field to compare; times are sent in UTC with whole seconds."""

    name: str

    def eq(self, value: Value | Query) -> Query:
        """Equal, or for a reference: the other entity matches the sub-query."""
        return Phrase(self.name, "EQ", (_exact(value),))

    def like(self, pattern: str) -> Query:
        """Text with `*` for any characters."""
        return Phrase(self.name, "EQ", (Pattern(pattern),))

    def in_(self, values: Iterable[Value | Query]) -> Query:
        """Equal to one of the values."""
        items = tuple(_exact(value) for value in values)
        if not items:
            raise ValueError(f"{self.name}: IN needs at least one value.")
        return Phrase(self.name, "IN", items)

    def between(self, low: Value, high: Value) -> Query:
        """From low to high, both included."""
        return Phrase(self.name, "BTW", (_checked(low), _checked(high)))

    def lt(self, value: Value) -> Query:
        """Less than."""
        return Phrase(self.name, "LT", (_checked(value),))

    def le(self, value: Value) -> Query:
        """Less than or equal."""
        return Phrase(self.name, "LE", (_checked(value),))

    def gt(self, value: Value) -> Query:
        """Greater than."""
        return Phrase(self.name, "GT", (_checked(value),))

    def ge(self, value: Value) -> Query:
        """Greater than or equal."""
        return Phrase(self.name, "GE", (_checked(value),))

    def is_null(self) -> Query:
        """A scalar field without a value."""
        return Phrase(self.name, NULL)

    def is_empty(self) -> Query:
        """A reference without a target."""
        return Phrase(self.name, EMPTY)


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


def _exact(value: Value | Query) -> Value | Query:
    if isinstance(value, Query):
        return value
    if isinstance(value, str) and "*" in value:
        raise ValueError(
            f"{value!r} contains *, which Octane always reads as a wildcard; use like() if that is "
            "meant, or compare the rows after reading them."
        )
    return _checked(value)


def _checked(value: Value) -> Value:
    _written(value, DOCUMENTED)
    return value


def _written(value: Operand, dialect: Dialect) -> str:
    if isinstance(value, Query):
        return f"{{{value.write(dialect)[0]}}}"
    if isinstance(value, Pattern):
        return _string(value.text, dialect)
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
        seconds = value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        return _string(seconds + ("Z" if dialect.is_documented(TIME) else ".000Z"), dialect)
    if isinstance(value, date):
        return _string(value.isoformat(), dialect)
    if isinstance(value, Id):
        text = str(value.value)
        return text if re.fullmatch(r"[0-9]+", text) else _string(text, dialect)
    if isinstance(value, str):
        return _string(value, dialect)
    raise ValueError(f"{value!r} cannot be in a query; for no value use is_null() or is_empty().")


def _string(text: str, dialect: Dialect) -> str:
    # Between carets nothing can be escaped. A caret, a backslash or the double quote that ends
    # the statement therefore needs the form with apostrophes and backslashes.
    if dialect.is_documented(TEXT) and not any(char in text for char in '^"\\'):
        return f"^{text}^"
    return "'" + re.sub(r"([\\\"'()])", r"\\\1", text) + "'"
