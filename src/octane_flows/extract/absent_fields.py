"""Fields that were requested and are in no row of a page, which Arrow cannot tell from null.

A page and field names come in, the absent ones go out; `entity_pages` calls this for each page. The
server answers null where a row has no value, so a field that is absent altogether was left out by a
role, a proxy or a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from octane_flows.client import PageBytes
from octane_flows.client.response import capitalized
from octane_flows.errors import AccessError, AnswerError

FIRST_ROW: Final = re.compile(rb'"data"\s*:\s*\[\s*')
#: A text, or where objects and lists begin and end. Its repeats never go back, so that a text of
#: megabytes takes no memory.
TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
COLON: Final = re.compile(rb"\s*:")
LONGEST_KEY: Final = 1_000  # bytes
LARGE_BYTES: Final = 4 << 20  # of a body that is not made into Python objects
MAX_SHOWN: Final = 10  # names in a message


class AbsentFieldsError(AccessError):
    """Values are not readable though metadata says so; stored rows must not become null."""


def absent_fields(page: PageBytes, fields: Sequence[str]) -> list[str]:
    """The fields that no row of a page has; none for a page without rows or one that is no page."""
    wanted = set(fields)
    rows = _names_by_row(page.body)
    first = next(rows, None)
    if first is None or wanted <= first:
        return []
    present = set(first)
    if len(page.body) > LARGE_BYTES:
        for names in rows:
            present |= names
            if wanted <= present:
                return []
    else:
        try:
            present.update(name for row in page.parse().rows for name in row)
        except AnswerError:
            return []  # told by what decodes the page
    return [name for name in fields if name not in present]


def require_fields(page: PageBytes, entity: str, fields: Sequence[str]) -> None:
    """Raise AbsentFieldsError when no row of a page has one of the fields."""
    absent = absent_fields(page, fields)
    if not absent:
        return
    more = f" and {len(absent) - MAX_SHOWN} more" if len(absent) > MAX_SHOWN else ""
    raise AbsentFieldsError(
        f"{capitalized(page.action)} gave no value, not even null, of "
        f"{', '.join(absent[:MAX_SHOWN])}{more}, which the metadata calls readable; ask for a role "
        "that reads these fields, and about proxies in between, or leave the entity type out with "
        f"--skip {entity}."
    )


def _names_by_row(body: bytes) -> Iterator[set[str]]:
    """The names of the values of each row, read without the values; it ends where JSON is wrong."""
    start = FIRST_ROW.search(body)
    if start is None:
        return
    depth = 0
    names: set[str] = set()
    for token in TOKEN.finditer(body, start.end()):
        begin, end = token.span()
        mark = body[begin]
        if mark in b"{[":
            depth += 1
            if depth == 1:
                names = set()
        elif mark in b"}]":
            depth -= 1
            if depth == 0:
                yield names
            if depth < 0:
                return
        elif depth == 1 and end - begin <= LONGEST_KEY and COLON.match(body, end):
            try:
                names.add(json.loads(body[begin:end]))
            except ValueError:
                return
