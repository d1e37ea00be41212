"""Rows as people read them: headings, units, links to the item in Octane.

Arrow tables in, `Shown` records out; the page writes them as HTML, the exports as cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from octane_flows.reports.heading_words import title_of
from octane_flows.reports.shown_columns import DECIDING, View

UTC_ZONE: Final = ZoneInfo("UTC")
NO_VIEW: Final = View()

#: Ends of column names that say what a number is (style: the unit is part of the name).
_RATIO, _MILLISECONDS, _HOURS, _DAYS = "_ratio", "_ms", "_hours", "_days"
_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000
LONGEST_TEXT = 160  # characters of a cell; an error message would hide the rows below it
#: Codes of list items and phases end in the word that people know.
_CODE = "_code"
_TYPE = "_type"
_URL = "_url"
_USER = "_user_id"
_KEYS = ("_id", _CODE)
_SHORT_DAYS = 10  # below that a tenth of a day says something


@dataclass(frozen=True)
class Cell:
    """One value: its text, what it sorts by, and where Octane shows the item."""

    text: str
    sort: str = ""
    url: str | None = None


@dataclass(frozen=True)
class Heading:
    """One column: its title, its meaning, and whether it holds numbers."""

    title: str
    meaning: str
    is_number: bool
    is_time: bool = False
    is_more: bool = False  # appears when a reader asks for all columns


@dataclass(frozen=True)
class Shown:
    """A table to read: `row_count` is that of the whole answer, `rows` are the first of them."""

    headings: list[Heading]
    rows: list[list[Cell]]
    row_count: int


def shown(
    answer: pa.Table,
    meanings: Mapping[str, str],
    limit: int,
    *,
    row_count: int | None = None,
    view: View = NO_VIEW,
    zone: ZoneInfo = UTC_ZONE,
    with_workspace: bool = False,
) -> Shown:
    """The first rows of an answer; ids and codes give way to names, which take the addresses.

    `row_count` is that of the whole answer, where `answer` is a part of it. Times are UTC in the
    answer and of the site's zone in the cells. The deciding columns of the view stand left.
    """
    links = _links(answer.column_names)
    keys = _read_by_people(answer.column_names)
    empty = {name for name in keys if answer[keys[name]].null_count == answer.num_rows > 0}
    names = _in_reading_order(list(keys), view, empty, with_workspace=with_workspace)
    deciding = len(set(view.columns).intersection(names)) or min(
        DECIDING, len(names) - len(empty.intersection(names)) or DECIDING
    )
    headings = [
        Heading(
            title_of(name),
            meanings.get(name, ""),
            _is_number(answer.schema.field(name).type),
            pa.types.is_temporal(answer.schema.field(name).type),
            place >= deciding,
        )
        for place, name in enumerate(names)
    ]
    rows = [
        [
            _cell(
                name, row[keys[name] if row[name] is None else name], row.get(links.get(name)), zone
            )
            for name in names
        ]
        for row in answer.slice(0, limit).to_pylist()
    ]
    return Shown(headings, rows, answer.num_rows if row_count is None else row_count)


def _in_reading_order(
    names: list[str], view: View, empty: set[str], *, with_workspace: bool
) -> list[str]:
    """Deciding columns, then those with values; ids of users with names are left out."""
    first = [name for name in view.columns if name in names and name not in view.hidden]
    left_out = {*first, *view.hidden} | (set() if with_workspace else {"workspace_id"})
    left_out |= {
        name
        for name in names
        if name.endswith(_USER) and f"{name.removesuffix(_USER)}_name" in names
    }
    others = [name for name in names if name not in left_out]
    return [*first, *sorted(others, key=empty.__contains__)]


def _read_by_people(names: list[str]) -> dict[str, str]:
    """Columns without addresses; a name or label stands where the id or code of the same stood.

    The value is the column to show where the name is empty, as for the row of all modules.
    """
    columns: dict[str, str] = {}
    for name in names:
        stem = next((name.removesuffix(end) for end in _KEYS if name.endswith(end)), None)
        words = (f"{stem}_name", f"{stem}_label") if stem else ()
        chosen = next((word for word in words if word in names), name)
        if not chosen.endswith(_URL):
            columns.setdefault(chosen, name)
    return columns


def _links(names: list[str]) -> dict[str, str]:
    """Which column becomes the link for each address column: the item's name, or its id."""
    links = {}
    for name in names:
        if name.endswith(_URL):
            item = name.removesuffix(_URL)
            targets = (f"{item}_name", f"{item}_id")
            target = next((target for target in targets if target in names), None)
            if target is not None:
                links[target] = name
    return links


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _cell(name: str, value: Any, url: Any, zone: ZoneInfo) -> Cell:
    text = text_of(name, value, zone)
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 1].rstrip()}…"
    return Cell(text, _sort_key(value)[:LONGEST_TEXT], url if isinstance(url, str) else None)


def _sort_key(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def text_of(name: str, value: Any, zone: ZoneInfo = UTC_ZONE) -> str:
    """A value as text, in the unit that the column's name tells."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return ", ".join(text_of(name, item, zone) for item in value)
    if isinstance(value, str):
        if name.endswith(_CODE):
            return value.rsplit(".", 1)[-1].replace("_", " ")
        return value.replace("_", " ") if name.endswith(_TYPE) and value.islower() else value
    for end, write in _UNITS.items():
        if name.endswith(end):
            return write(float(value))
    if isinstance(value, float):
        return f"{value:,.1f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _milliseconds(value: float) -> str:
    if value < _SECOND:
        return f"{value:,.0f} ms"
    if value < _MINUTE:
        return f"{value / _SECOND:,.1f} s"
    if value < _HOUR:
        return f"{value / _MINUTE:,.1f} min"
    return f"{value / _HOUR:,.1f} h"


def _hours(value: float) -> str:
    return f"{value:,.1f} h" if value < 48 else f"{value / 24:,.0f} d"


def _days(value: float) -> str:
    if abs(value) < _SHORT_DAYS and not value.is_integer():
        return f"{value:,.1f} d"
    return f"{value:,.0f} d"


_UNITS: dict[str, Callable[[float], str]] = {
    _RATIO: lambda value: f"{100 * value:,.1f} %",
    _MILLISECONDS: _milliseconds,
    _HOURS: _hours,
    _DAYS: _days,
}
