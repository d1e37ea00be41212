"""One JSON value of a field: what its column holds, or why it does not fit.

Values of one field in, values of its column out. What loses nothing is taken, with a note;
any other value is a `MisfitError`, and then it is null in the lake and listed as a rejected value.
Nothing becomes NaN, an infinite number, or the text of an object. `row_to_arrow` and
`script_reader` call it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from octane_flows.client import Field
from octane_flows.extract.extract_plan import ARROW_TYPES
from octane_flows.lake.arrow_arrays import arrow_array
from octane_flows.lake.field_columns import DUCKDB_TYPES

MAX_SHOWN = 1_000  # characters of a rejected value that are kept
MAX_EXACT_FLOAT = 2**53  # whole numbers up to here are the same number as a float

CUT = "digits of a second after the microsecond were cut"
HALF_CHARACTER = "half a character (a lone surrogate) was replaced by U+FFFD"
NUMBER_AS_TEXT = "a number that came as text was taken as the number"
BOOLEAN_AS_TEXT = "true or false that came as text was taken as such"
NOT_A_TEXT = "a number or boolean was taken as its text"

_ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_LONG_FRACTION = re.compile(r"(.*:[0-9]{2}\.[0-9]{6})[0-9]+" + _ZONE)
#: A date, alone or with a time, of which the date alone counts.
DATE_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?" + _ZONE + "?)?$"
)
_DATE = re.compile(DATE_PATTERN)
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")


class MisfitError(Exception):
    """A value that its column cannot hold without loss."""


@dataclass(frozen=True)
class Misfit:
    """A value that was not taken: the row's id, the field, and the value as text."""

    id: str
    field: str
    value: str


@dataclass(frozen=True)
class Adjustment:
    """A value that was taken after a change that loses nothing which the column could hold."""

    id: str
    field: str
    what: str


@dataclass
class ValueNotes:
    """What happened to the values of one page."""

    misfits: list[Misfit] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)

    def reject(self, id: str, name: str, value: Any) -> None:
        """Note a value that is null in the lake."""
        self.misfits.append(Misfit(mended_text(id), name, value_text(value)))

    def adjust(self, id: str, name: str, what: str) -> None:
        """Note a value that was taken after a change."""
        self.adjustments.append(Adjustment(mended_text(id), name, what))


def column_values(
    entry: Field, ids: Sequence[str], values: Sequence[Any], notes: ValueNotes
) -> pa.Array:
    """The Arrow array of one scalar field; a value that does not fit is null, with a note."""
    kind = DUCKDB_TYPES.get(entry.field_type, "VARCHAR")
    is_text = entry.field_type in ("string", "memo")
    taken: list[Any] = []
    for id, value in zip(ids, values, strict=True):
        try:
            fitting, what = _fitting(kind, value, is_text=is_text)
        except MisfitError:
            notes.reject(id, entry.name, value)
            fitting, what = None, None
        if what is not None:
            notes.adjust(id, entry.name, what)
        taken.append(fitting)
    return arrow_array(taken, ARROW_TYPES[kind])


def column_moment(value: Any) -> tuple[datetime | None, str | None]:
    """A time in UTC, and what was changed to take it. Raises MisfitError."""
    if value is None:
        return None, None
    if not isinstance(value, str):
        raise MisfitError
    long = _LONG_FRACTION.fullmatch(value)
    text = long[1] + long[2] if long is not None else value
    try:
        moments = pc.cast(arrow_array([text], pa.string()), pa.timestamp("us", "UTC"))
        moment: datetime = pc.cast(moments, pa.timestamp("us"))[0].as_py()
    except (pa.ArrowException, ValueError, OverflowError):
        raise MisfitError from None
    return moment, CUT if long is not None else None


def value_text(value: Any) -> str:
    """A value as the text that a list of rejected values shows."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, sort_keys=True)
        except (RecursionError, ValueError):
            return "(nested too deeply to be shown)"
    text = mended_text(value[: MAX_SHOWN + 1])
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def mended_text(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which UTF-8 does not have."""
    return _SURROGATE.sub("\ufffd", text)


def has_half_character(text: str) -> bool:
    """Whether a text has a lone surrogate."""
    return _SURROGATE.search(text) is not None


def _fitting(kind: str, value: Any, *, is_text: bool) -> tuple[Any, str | None]:
    """The value as its column holds it, and what was changed to take it."""
    if value is None:
        return None, None
    if kind == "TIMESTAMP":
        return column_moment(value)
    if kind == "DATE":
        return _day(value), None
    if kind == "BIGINT":
        return _whole(value)
    if kind == "DOUBLE":
        return _number(value)
    if kind == "BOOLEAN":
        return _boolean(value)
    return _text(value, is_text=is_text)


def _day(value: Any) -> date:
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise MisfitError
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise MisfitError from None


def _whole(value: Any) -> tuple[int, str | None]:
    what = None
    if isinstance(value, str):
        if _WHOLE.fullmatch(value) is None or len(value) > 20:
            raise MisfitError
        value, what = int(value), NUMBER_AS_TEXT
    if isinstance(value, float):
        if not value.is_integer() or abs(value) > MAX_EXACT_FLOAT:  # NaN is no integer
            raise MisfitError
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise MisfitError
    return value, what


def _number(value: Any) -> tuple[float, str | None]:
    what = None
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None or len(value) > MAX_SHOWN:
            raise MisfitError
        value, what = json.loads(value), NUMBER_AS_TEXT
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MisfitError
    try:
        number = float(value)
    except OverflowError:
        raise MisfitError from None
    if not math.isfinite(number) or (isinstance(value, int) and int(number) != value):
        raise MisfitError
    return number, what


def _boolean(value: Any) -> tuple[bool, str | None]:
    if isinstance(value, bool):
        return value, None
    if value in ("true", "false"):
        return value == "true", BOOLEAN_AS_TEXT
    raise MisfitError


def _text(value: Any, *, is_text: bool) -> tuple[str, str | None]:
    what = None
    if not isinstance(value, str):
        if is_text and isinstance(value, dict | list):
            raise MisfitError
        try:
            value = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
        except (RecursionError, ValueError):
            raise MisfitError from None
        what = NOT_A_TEXT if is_text else None
    if has_half_character(value):
        return mended_text(value), HALF_CHARACTER
    return value, what
