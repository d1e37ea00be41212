"""A diagram as an SVG picture, without any program to install.

A `Diagram` in, one SVG element out, which documents, reports and notebooks show. Lines to the same
table share a lane between the columns of boxes, so that also twelve boxes stay legible; nothing in
it has an id, so that a page can hold many pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from octane_flows.er_diagrams.diagram import Box, BoxColumn, Diagram, Line
from octane_flows.er_diagrams.two_column_layout import (
    LEFT,
    RIGHT,
    Edge,
    Places,
    place_boxes,
)

HEAD = 32
ROW = 24
NOTE = 16  # the second line of a row with a reference
PAD = 8
MARGIN = 8
TITLE = 40
LANE = 14
DOCK = 34  # from a box to the first lane: room for a crow's foot
OFFSET = 4  # of the right column, so that lines of both columns are at different heights
CHARACTER, NOTE_CHARACTER = 7.9, 6.4  # width of 13 and 11 pixels text
NARROWEST, WIDEST = 170, 330
MARK = 46  # room for 'key' behind the name of a column
COLOURS = (
    "#1f5fa8", "#a8401f", "#2b7a3a", "#7b3fa0", "#8a6a00", "#0f7a80",
    "#b0246b", "#4a4a4a", "#5b7a00", "#00507a", "#8c2f2f", "#3d3d99",
)  # fmt: skip
#: Of this picture alone: a page holds it among other pictures.
STYLE = (
    ".er text{font-family:'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:13px;fill:#1a1a1a}"
    ".er .t{font-size:16px;font-weight:600}.er .h,.er .k{font-weight:600}"
    ".er .n{font-size:11px;fill:#555}.er .l{fill:none;stroke-width:1.6}"
    ".er .b{fill:#fff;stroke:#777}.er .c{fill:#e8eef5;stroke:#777}"
)


@dataclass(frozen=True)
class _Port:
    """The end of a line at a box."""

    x: float
    y: float
    direction: int  # -1: leaves to the left, 1: to the right


@dataclass
class _Lane:
    """A vertical line that leads to one table, between two heights."""

    target: str
    gutter: int
    top: float
    bottom: float
    number: int = 0


def svg_picture(diagram: Diagram) -> str:
    """The picture."""
    return _Picture(diagram).draw()


class _Picture:
    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.boxes = {box.name: box for box in diagram.boxes}
        self.notes = {(line.source, line.column): _note(line) for line in reversed(diagram.lines)}
        self.places = self._place()
        self.lanes = self._lanes()
        self.x, self.widths, self.width = self._columns()
        self.colours = {
            name: COLOURS[index % len(COLOURS)]
            for index, name in enumerate(dict.fromkeys(line.target for line in diagram.lines))
        }

    def draw(self) -> str:
        height = TITLE + self.places.height + OFFSET + MARGIN * 2
        width = round(self.width)
        parts = [
            f'<svg class="er" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" style="max-width:100%;height:auto" role="img" '
            f'aria-label="{escape(self._description(), quote=True)}">',
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            f'<text class="t" x="{MARGIN}" y="24">{escape(self.diagram.title)}</text>',
            *(part for line in self.diagram.lines for part in self._line(line)),
            *(part for box in self.diagram.boxes for part in self._box(box)),
            *self._ends(),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _description(self) -> str:
        """What somebody who cannot see the picture is told."""
        relations = "; ".join(
            f"{line.source}.{line.column} refers to {line.target}" for line in self.diagram.lines
        )
        return f"Entity relationships of {self.diagram.title}: {relations or 'one table'}"

    # where things stand

    def _place(self) -> Places:
        heights = {name: self._height(box) for name, box in self.boxes.items()}
        edges = [
            Edge(
                line.source,
                self._row_y(line.source, line.column),
                line.target,
                self._row_y(line.target, line.target_column),
            )
            for line in self.diagram.lines
        ]
        return place_boxes(heights, edges)

    def _row_height(self, box: Box, column: BoxColumn) -> int:
        return ROW + (NOTE if self.notes.get((box.name, column.name)) else 0)

    def _height(self, box: Box) -> int:
        return HEAD + sum(self._row_height(box, column) for column in box.columns) + PAD

    def _row_y(self, table: str, column_name: str) -> int:
        """The middle of a row's name below the top of its box."""
        y, box = HEAD, self.boxes[table]
        for column in box.columns:
            if column.name == column_name:
                return y + ROW // 2
            y += self._row_height(box, column)
        return HEAD // 2

    def _gutter(self, line: Line) -> int:
        """0: left of both columns, 1: between them, 2: right of both."""
        source, target = (self.places.column[name] for name in (line.source, line.target))
        if source != target:
            return 1
        return 0 if source == LEFT else 2

    def _y(self, table: str, column: str) -> float:
        side = self.places.column[table]
        offset = TITLE + MARGIN + (OFFSET if side == RIGHT else 0)
        return offset + self.places.top[table] + self._row_y(table, column)

    def _lanes(self) -> Mapping[tuple[int, str], _Lane]:
        """One lane for each gutter and target; lanes that do not meet share a number."""
        lanes: dict[tuple[int, str], _Lane] = {}
        for line in self.diagram.lines:
            heights = (
                self._y(line.source, line.column),
                self._y(line.target, line.target_column),
            )
            key = self._gutter(line), line.target
            lane = lanes.setdefault(key, _Lane(line.target, key[0], min(heights), max(heights)))
            lane.top = min(lane.top, *heights)
            lane.bottom = max(lane.bottom, *heights)
        for gutter in range(3):
            ends: list[float] = []
            for lane in sorted(
                (lane for lane in lanes.values() if lane.gutter == gutter),
                key=lambda lane: (lane.top, lane.bottom, lane.target),
            ):
                free = (number for number, end in enumerate(ends) if end + 12 < lane.top)
                lane.number = next(free, len(ends))
                ends[lane.number : lane.number + 1] = [lane.bottom]
        return lanes

    def _columns(self) -> tuple[tuple[float, float], tuple[float, float], float]:
        """Left edges and widths of the two columns of boxes, and the width of the picture."""
        counts = [
            1
            + max(
                (lane.number for lane in self.lanes.values() if lane.gutter == gutter), default=-1
            )
            for gutter in range(3)
        ]
        gutters = [
            DOCK + (count - 1) * LANE + (DOCK if gutter == 1 else MARGIN) if count else MARGIN
            for gutter, count in enumerate(counts)
        ]
        widths = (self._column_width(LEFT), self._column_width(RIGHT))
        left = float(gutters[0])
        right = left + widths[0] + gutters[1]
        if not widths[1]:
            right = left + widths[0]
        title = MARGIN * 2 + len(self.diagram.title) * 9
        return (left, right), widths, max(right + widths[1] + gutters[2], title)

    def _column_width(self, side: int) -> float:
        texts = [
            width
            for box in self.diagram.boxes
            if self.places.column[box.name] == side
            for width in self._text_widths(box)
        ]
        return min(WIDEST, max(NARROWEST, *texts)) if texts else 0

    def _text_widths(self, box: Box) -> Iterable[float]:
        yield (len(box.title) + len(_rows(box)) + 3) * CHARACTER + 20
        for column in box.columns:
            yield len(column.name) * CHARACTER + (MARK if column.is_key else 0) + 20
            yield len(self.notes.get((box.name, column.name), "")) * NOTE_CHARACTER + 20

    # what is drawn

    def _box(self, box: Box) -> Iterable[str]:
        side = self.places.column[box.name]
        x, width = self.x[side], self.widths[side]
        y = TITLE + MARGIN + self.places.top[box.name] + (OFFSET if side == RIGHT else 0)
        yield (
            f'<rect class="b" x="{x:g}" y="{y}" width="{width:g}" '
            f'height="{self._height(box)}" rx="4"/>'
            f'<rect class="c" x="{x:g}" y="{y}" width="{width:g}" height="{HEAD - 4}" rx="4"/>'
        )
        yield f'<text class="h" x="{x + 10:g}" y="{y + 19}">{escape(box.title)}</text>'
        if _rows(box):
            yield (
                f'<text class="n" x="{x + width - 10:g}" y="{y + 19}" '
                f'text-anchor="end">{_rows(box)}</text>'
            )
        y += HEAD
        limit = int((width - 20) / NOTE_CHARACTER)
        for column in box.columns:
            key = ' class="k"' if column.is_key else ""
            yield f'<text{key} x="{x + 10:g}" y="{y + 16}">{escape(column.name)}</text>'
            if column.is_key:
                yield (
                    f'<text class="n" x="{x + width - 10:g}" y="{y + 16}" '
                    'text-anchor="end">key</text>'
                )
            note = self.notes.get((box.name, column.name))
            if note:
                text = note if len(note) <= limit else note[: limit - 1] + "…"
                yield f'<text class="n" x="{x + 10:g}" y="{y + 31}">{escape(text)}</text>'
            y += self._row_height(box, column)

    def _ports(self, line: Line) -> tuple[_Port, _Port, float]:
        """Both ends of a line, and where its lane is."""
        gutter = self._gutter(line)
        ports = []
        for table, column in ((line.source, line.column), (line.target, line.target_column)):
            side = self.places.column[table]
            direction = 1 if (gutter, side) in ((1, LEFT), (2, RIGHT)) else -1
            x = self.x[side] + (self.widths[side] if direction == 1 else 0)
            ports.append(_Port(x, self._y(table, column), direction))
        number = self.lanes[gutter, line.target].number
        if gutter == 0:
            lane = self.x[LEFT] - DOCK - number * LANE
        elif gutter == 1:
            lane = self.x[LEFT] + self.widths[LEFT] + DOCK + number * LANE
        else:
            lane = self.x[RIGHT] + self.widths[RIGHT] + DOCK + number * LANE
        return ports[0], ports[1], lane

    def _line(self, line: Line) -> Iterable[str]:
        source, target, lane = self._ports(line)
        colour = self.colours[line.target]
        yield (
            f'<path class="l" stroke="{colour}" d="M{source.x:g} {source.y:g}H{lane:g}'
            f'V{target.y:g}H{target.x:g}"/>'
            f'<circle cx="{lane:g}" cy="{source.y:g}" r="2.6" fill="{colour}"/>'
        )

    def _ends(self) -> Iterable[str]:
        """A crow's foot where many rows can stand, bars and a circle where one or none can.

        Lines of one lane end together at their target, which is optional if it is so for one.
        """
        lanes: dict[tuple[int, str], list[Line]] = {}
        for line in self.diagram.lines:
            lanes.setdefault((self._gutter(line), line.target), []).append(line)
            source, _, _ = self._ports(line)
            yield _end(source, self.colours[line.target], is_many=not line.is_unique)
        for lines in lanes.values():
            _, target, _ = self._ports(lines[0])
            yield _end(
                target,
                self.colours[lines[0].target],
                is_many=any(line.is_multiple for line in lines),
                is_optional=not all(line.is_required for line in lines),
            )


def _end(port: _Port, colour: str, *, is_many: bool, is_optional: bool = True) -> str:
    x, y, step = port.x, port.y, port.direction
    if is_many:
        mark = f"M{x:g} {y - 6:g}L{x + step * 11:g} {y:g}L{x:g} {y + 6:g}"
    else:
        mark = f"M{x + step * 8:g} {y - 6:g}V{y + 6:g}"
    if is_optional:
        circle = (
            f'<circle cx="{x + step * 16:g}" cy="{y:g}" r="4" fill="#fff" stroke="{colour}" '
            'stroke-width="1.6"/>'
        )
    else:
        circle = ""
        mark += f"M{x + step * 13:g} {y - 6:g}V{y + 6:g}"
    return f'<path class="l" stroke="{colour}" d="{mark}"/>{circle}'


def _rows(box: Box) -> str:
    if box.rows is None:
        return ""
    return f"{box.rows:,} {'row' if box.rows == 1 else 'rows'}"


def _note(line: Line) -> str:
    """What stands below a reference: its fields in the REST API, and its counts."""
    parts = [f"REST: {', '.join(line.field_names)}"] if line.field_names else []
    return " · ".join([*parts, *([line.counts] if line.counts else [])])
