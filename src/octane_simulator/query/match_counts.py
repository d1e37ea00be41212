"""How many rows a query matches, at little cost for clients that page by id.

In: a condition, with the id bounds of the query apart. Out: the number of matches. Called by
reader.py for `total_count`, which would otherwise cost more than the page: `id GT last` is another
query on each page, and SQLite has to walk all ids that are left.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from octane_simulator.query.query_language import And, Compare, Node
from octane_simulator.query.query_sql import Condition
from octane_simulator.store.entity_store import Store

__all__ = ["UNBOUNDED", "Counter", "Windowed", "split_window"]

# How many results are kept: numbers are small, a list of a million ids is 8 MB.
_NUMBERS = 500
_LISTS = 8
_MOST = 2**63 - 1
UNBOUNDED = (-_MOST, _MOST)
Key = tuple[str, tuple[Any, ...]]


@dataclass
class Windowed(Condition):
    """A condition that is `rest` within the ids from `low` to `high`, both inclusive."""

    rest: Condition | None = None
    low: int = -_MOST
    high: int = _MOST


def split_window(node: Node) -> tuple[Node | None, int, int]:
    """A query without its bounds on the id, and these bounds."""
    low, high = UNBOUNDED
    remaining: list[Node] = []
    for part in node.parts if isinstance(node, And) else (node,):
        bounds = _bounds(part)
        if bounds is None:
            remaining.append(part)
        else:
            low, high = max(low, bounds[0]), min(high, bounds[1])
    if not remaining:
        return None, low, high
    return (remaining[0] if len(remaining) == 1 else And(tuple(remaining))), low, high


def _bounds(part: Node) -> tuple[int, int] | None:
    """The range of ids that a comparison selects, or None when it compares no whole numbers."""
    if not isinstance(part, Compare) or part.field != "id" or part.op in {"EQ", "IN"}:
        return None
    values = []
    for value in part.values:
        digits = value.text.strip()
        if value.kind not in {"number", "string"} or not digits.isdecimal() or len(digits) > 15:
            return None
        values.append(int(digits))
    if part.op == "BTW":
        return values[0], values[1]
    number = values[0]
    return {
        "GT": (number + 1, _MOST),
        "GE": (number, _MOST),
        "LT": (-_MOST, number - 1),
        "LE": (-_MOST, number),
    }[part.op]


class Counter:
    """Counts of one store; a write discards all results that are kept."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._version = -1
        self._numbers: dict[Key, int] = {}
        self._counted_once: set[Key] = set()
        self._ids: OrderedDict[Key, array[int]] = OrderedDict()

    def total(self, family: str, condition: Condition) -> int:
        """The number of rows of a family's table (a quoted name) that match the condition."""
        with self.store.lock:
            if self._version != self.store.version:
                self._version = self.store.version
                self._numbers.clear()
                self._counted_once.clear()
                self._ids.clear()
            if isinstance(condition, Windowed) and condition.rest is not None:
                key = (family + condition.rest.sql, tuple(condition.rest.parameters))
                if key in self._ids or key in self._counted_once:
                    ids = self._listed(key, family, condition.rest)
                    within = bisect_right(ids, condition.high) - bisect_left(ids, condition.low)
                    return max(0, within)
                self._counted_once.add(key)  # a list is not worth its cost for a single page
            return self._counted(family, condition)

    def _counted(self, family: str, condition: Condition) -> int:
        key = (family + condition.sql, tuple(condition.parameters))
        if key not in self._numbers:
            if len(self._numbers) > _NUMBERS:
                self._numbers.clear()
            rows = self.store.read(
                f"SELECT count(*) FROM {family} t WHERE {condition.sql}", condition.parameters
            )
            self._numbers[key] = int(rows[0][0])
        return self._numbers[key]

    def _listed(self, key: Key, family: str, rest: Condition) -> array[int]:
        """The ids that match the condition, in order."""
        if key not in self._ids:
            rows = self.store.read(f"SELECT t.id FROM {family} t WHERE {rest.sql}", rest.parameters)
            # Sorted here, so that SQLite may walk the narrowest index instead of the table.
            self._ids[key] = array("q", sorted(row[0] for row in rows))
            if len(self._ids) > _LISTS:
                self._ids.popitem(last=False)
        self._ids.move_to_end(key)
        return self._ids[key]
