"""Where the boxes of a diagram stand: two columns, so that a phone and a sheet of paper show them.

Heights of boxes and the places where lines begin and end in, column and height of each box out.
The order is found by trying exchanges from a fixed start, so that the same diagram always looks
the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

LEFT, RIGHT = 0, 1
GAP = 32
ROUNDS = 12
MOST_EXACT = 30  # boxes; with more, exchanges of neighbours alone are tried
SAME_COLUMN = 90.0  # what a line beside a column costs: as much as this way down
UNEVEN = 0.6  # what a pixel that one column is longer than the other costs


@dataclass(frozen=True)
class Edge:
    """A line from a place in one box to a place in another, in pixels below the boxes' tops."""

    source: str
    source_y: int
    target: str
    target_y: int


@dataclass(frozen=True)
class Places:
    """The column of each box and its distance from the top."""

    column: Mapping[str, int]
    top: Mapping[str, int]
    height: int


def place_boxes(heights: Mapping[str, int], edges: Sequence[Edge]) -> Places:
    """The best arrangement that exchanges find."""
    columns = _start(heights, edges)
    best = _cost(columns, heights, edges)
    for _ in range(ROUNDS):
        improved = False
        for candidate in list(_candidates(columns, len(heights))):
            cost = _cost(candidate, heights, edges)
            if cost < best - 1e-6:
                columns, best, improved = candidate, cost, True
        if not improved:
            break
    column, top, lengths = _tops(columns, heights)
    return Places(column, top, max(lengths))


Columns = tuple[tuple[str, ...], tuple[str, ...]]


def _start(heights: Mapping[str, int], edges: Sequence[Edge]) -> Columns:
    """Tables that hold references left, tables that are referred to right, evenly long."""
    out = dict.fromkeys(heights, 0)
    for edge in edges:
        out[edge.source] += 1
        out[edge.target] -= 1
    ordered = sorted(heights, key=lambda name: (-out[name], name))
    left: list[str] = []
    right: list[str] = []
    half, total = sum(heights.values()) / 2, 0
    for name in ordered:
        (left if total + heights[name] / 2 <= half else right).append(name)
        total += heights[name]
    return tuple(left), tuple(right)


def _candidates(columns: Columns, count: int) -> Iterator[Columns]:
    """The arrangements that one exchange of two boxes or one move of a box gives."""
    names = [*columns[LEFT], *columns[RIGHT]]
    size = len(columns[LEFT])
    reach = count if count <= MOST_EXACT else 1
    for first, second in combinations(range(count), 2):
        if second - first <= reach:
            swapped = list(names)
            swapped[first], swapped[second] = names[second], names[first]
            yield tuple(swapped[:size]), tuple(swapped[size:])
    for index, name in enumerate(names):
        left, right = (tuple(it for it in column if it != name) for column in columns)
        to_left = index >= size
        other = left if to_left else right
        for place in range(len(other) + 1) if count <= MOST_EXACT else (0, len(other)):
            moved = (*other[:place], name, *other[place:])
            yield (moved, right) if to_left else (left, moved)


def _tops(
    columns: Columns, heights: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int], list[int]]:
    """The column and the top of each box, and the lengths of the columns."""
    column: dict[str, int] = {}
    top: dict[str, int] = {}
    lengths = []
    for side, names in enumerate(columns):
        y = 0
        for name in names:
            column[name], top[name] = side, y
            y += heights[name] + GAP
        lengths.append(max(0, y - GAP))
    return column, top, lengths


def _cost(columns: Columns, heights: Mapping[str, int], edges: Sequence[Edge]) -> float:
    column, top, lengths = _tops(columns, heights)
    cost = UNEVEN * abs(lengths[0] - lengths[1])
    for edge in edges:
        cost += abs(top[edge.source] + edge.source_y - top[edge.target] - edge.target_y)
        if column[edge.source] == column[edge.target] and edge.source != edge.target:
            cost += SAME_COLUMN
    return cost
