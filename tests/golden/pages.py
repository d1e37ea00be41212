"""Golden pages: the text of a case or of the base becomes rows, and rows become that text again.

`cases` reads pages and `--golden-update` writes them. A page is Markdown with tables. An empty cell
is null. A cell in double quotes is a JSON text: so are written an empty text, line breaks, bars,
and spaces at an end. Every other cell is the text of its value; its type is that of its column.
The column `why` says why the row is there. A table whose lines would be too long is written on its
side: a line for each column, and the rows next to one another as far as they fit.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

WHY = "why"
LONGEST_LINE = 200
_SIDE_HEAD = "column"
_NO_ROWS = "No rows."
_SOURCES = ("base", "rows of", "without")


@dataclass(frozen=True)
class Row:
    """One row of texts by column, null as None, and why it is there."""

    values: Mapping[str, str | None]
    why: str = ""


Tables = Mapping[str, tuple[Row, ...]]


@dataclass(frozen=True)
class Page:
    """What a case's page says by itself, before the base and other cases are looked up."""

    title: str
    about: str
    parameters: tuple[Row, ...] = ()
    base: tuple[str, ...] = ()
    rows_of: str | None = None
    without: tuple[str, ...] = ()
    given: Tables = field(default_factory=dict)
    expected: tuple[Row, ...] = ()


@dataclass(frozen=True)
class BaseSet:
    """Rows of the base that a case takes by name."""

    name: str
    about: str
    tables: Tables


class PageError(Exception):
    """A page that does not follow the format; the message begins with its name."""


def parse_page(text: str, where: str) -> Page:
    """A case's page; what it does not understand is a `PageError`."""
    sections = _sections(text, "## ", where)
    title, about = _title(sections.pop("", []), where)
    unknown = set(sections) - {"Parameters", "Given", "Expected"}
    if unknown or "Expected" not in sections:
        raise PageError(
            f"{where} has the sections {', '.join(sections) or 'none'}; it may have Parameters "
            "and Given, and must have Expected."
        )
    given = _sections("\n".join(sections.get("Given", [])), "### ", where)
    sources = _given_sources(given.pop("", []), where)
    return Page(
        title=title,
        about=about,
        parameters=tuple(_rows(sections.get("Parameters", []), where)),
        base=_words(sources.get("base", "")),
        rows_of=sources.get("rows of"),
        without=_words(sources.get("without", "")),
        given={name: tuple(_rows(lines, where)) for name, lines in given.items()},
        expected=tuple(_rows(sections["Expected"], where)),
    )


def parse_base(text: str, where: str) -> dict[str, BaseSet]:
    """The sets of the base by name."""
    sections = _sections(text, "## ", where)
    _title(sections.pop("", []), where)
    sets: dict[str, BaseSet] = {}
    for name, lines in sections.items():
        tables = _sections("\n".join(lines), "### ", where)
        about = " ".join(line for line in tables.pop("", []) if line)
        rows = {table: tuple(_rows(body, where)) for table, body in tables.items()}
        sets[name] = BaseSet(name, about, rows)
    return sets


def format_page(page: Page) -> str:
    """The text of a case's page."""
    parts = [f"# {page.title}", page.about]
    if page.parameters:
        parts += ["## Parameters", format_rows(page.parameters)]
    sources = {
        "base": ", ".join(page.base),
        "rows of": page.rows_of,
        "without": ", ".join(page.without),
    }
    if any(sources.values()) or page.given:
        parts.append("## Given")
        lines = [f"- {name}: {value}" for name, value in sources.items() if value]
        parts += ["\n".join(lines)] if lines else []
        parts += _table_parts(page.given)
    parts += ["## Expected", format_rows(page.expected)]
    return "\n\n".join(parts) + "\n"


def format_base(title: str, about: str, sets: Iterable[BaseSet]) -> str:
    """The text of the base."""
    parts = [f"# {title}", about]
    for base_set in sets:
        parts += [f"## {base_set.name}", base_set.about, *_table_parts(base_set.tables)]
    return "\n\n".join(parts) + "\n"


def format_rows(rows: Iterable[Row]) -> str:
    """An aligned table, on its side where lines would be too long."""
    rows = list(rows)
    if not rows:
        return _NO_ROWS
    columns = list(dict.fromkeys(column for row in rows for column in row.values))
    has_why = any(row.why for row in rows)
    lines = [columns + [WHY] * has_why]
    for row in rows:
        cells = [write_cell(row.values.get(column)) for column in columns]
        lines.append(cells + [row.why] * has_why)
    if _width(lines) <= LONGEST_LINE:
        return _table(lines)
    return "\n\n".join(_on_its_side(lines))


def write_cell(value: str | None) -> str:
    """The text of a cell."""
    if value is None:
        return ""
    is_plain = value and value == value.strip() and not value.startswith('"') and "|" not in value
    if is_plain and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False).replace("|", "\\u007c")


def read_cell(text: str) -> str | None:
    """The value of a cell."""
    text = text.strip()
    if text.startswith('"'):
        value: str = json.loads(text)
        return value
    return text or None


def _widths(lines: list[list[str]]) -> list[int]:
    return [max(map(len, cells)) for cells in zip(*lines, strict=True)]


def _width(lines: list[list[str]]) -> int:
    return len(_line([" " * width for width in _widths(lines)]))


def _table(lines: list[list[str]]) -> str:
    widths = _widths(lines)
    if _width(lines) > LONGEST_LINE:  # a single long value: its lines need no end
        widths[-1] = len(lines[0][-1])
    written = [
        _line([cell.ljust(width) for cell, width in zip(cells, widths, strict=True)])
        for cells in lines
    ]
    return "\n".join([written[0], _line(["-" * width for width in widths]), *written[1:]])


def _on_its_side(lines: list[list[str]]) -> Iterator[str]:
    """Tables with a line for each column, of as many rows as fit next to one another."""
    columns, *rows = lines
    number = 1
    while rows:
        count = 1
        while (
            count < len(rows)
            and _width(_turned(columns, rows[: count + 1], number)) <= LONGEST_LINE
        ):
            count += 1
        yield _table(_turned(columns, rows[:count], number))
        number, rows = number + count, rows[count:]


def _turned(columns: list[str], rows: list[list[str]], number: int) -> list[list[str]]:
    head = [_SIDE_HEAD, *(f"row {number + place}" for place in range(len(rows)))]
    return [head, *map(list, zip(columns, *rows, strict=True))]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table_parts(tables: Tables) -> Iterator[str]:
    for name, rows in tables.items():
        yield f"### {name}"
        yield format_rows(rows)


def _sections(text: str, mark: str, where: str) -> dict[str, list[str]]:
    """Lines by heading; those before the first one have the heading ''."""
    sections: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.split("\n"):
        if line.startswith(mark):
            name = line.removeprefix(mark).strip()
            if name in sections:
                raise PageError(f"{where} has the heading '{name}' twice; keep one.")
            sections[name] = []
        else:
            sections[name].append(line)
    return sections


def _title(lines: list[str], where: str) -> tuple[str, str]:
    title, *about = [line.strip() for line in lines if line.strip()] or [""]
    if not title.startswith("# ") or not about:
        raise PageError(f"{where} must begin with '# ' and a title, then say what it is about.")
    return title.removeprefix("# "), "\n".join(about)


def _given_sources(lines: list[str], where: str) -> dict[str, str]:
    sources: dict[str, str] = {}
    for line in filter(None, lines):
        name, _, value = line.removeprefix("- ").partition(":")
        if not line.startswith("- ") or name not in _SOURCES or not value.strip():
            raise PageError(
                f"{where} has '{line}' under Given; write '- base: ...', '- rows of: ...', "
                "'- without: ...' or a table under its own heading."
            )
        sources[name] = value.strip()
    return sources


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _rows(lines: list[str], where: str) -> Iterator[Row]:
    """The rows of all tables in these lines."""
    for block in _blocks(lines, where):
        head, rule, *body = block
        if set("".join(rule)) > {"-"} or not all(len(cells) == len(head) for cells in block):
            raise PageError(f"{where}: a line of the table '{' | '.join(head)}' does not fit.")
        if head[0] == _SIDE_HEAD:
            columns, *rows = zip(*body, strict=True)
            yield from (_row(dict(zip(columns, cells, strict=True))) for cells in rows)
        else:
            yield from (_row(dict(zip(head, cells, strict=True))) for cells in body)


def _row(cells: dict[str, str]) -> Row:
    why = cells.pop(WHY, "")
    return Row({column: read_cell(cell) for column, cell in cells.items()}, why)


def _blocks(lines: list[str], where: str) -> Iterator[list[list[str]]]:
    block: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            block.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif line and line != _NO_ROWS:
            raise PageError(f"{where} has '{line}' where a table is expected.")
        elif block:
            if len(block) < 2:
                raise PageError(f"{where} has a table of one line; write its head and a rule.")
            yield block
            block = []


def without_reasons(rows: Iterable[Row]) -> list[Mapping[str, str | None]]:
    """The values of rows alone."""
    return [row.values for row in rows]


def with_expected(page: Page, answer: Iterable[Mapping[str, str | None]]) -> Page:
    """The page with other expected rows; a row that stays as it is keeps its reason."""
    reasons = [(dict(row.values), row.why) for row in page.expected]
    rows: list[Row] = []
    for values in answer:
        why = next((why for row, why in reasons if row == dict(values)), "")
        rows.append(Row(values, why))
    return dataclasses.replace(page, expected=tuple(rows))
