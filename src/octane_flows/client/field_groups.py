"""The fields of a page in groups whose addresses are short enough, and their pages joined. Pure.

Web servers and gateways take addresses of about 8 kB and answer 414 to longer ones; an entity type
with some hundred user-defined fields is above that. `connection` calls this for every page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from octane_flows.client.envelope import PageBytes
from octane_flows.client.response import capitalized
from octane_flows.errors import AnswerError

__all__ = [
    "LONGEST_ADDRESS",
    "SHORTEST_ADDRESS",
    "RowsChangedError",
    "field_groups",
    "join_pages",
]

LONGEST_ADDRESS: Final = 7_500  # nginx and Apache take 8 kB for the line with method and version
SHORTEST_ADDRESS: Final = 1_500  # every gateway takes this, so a 414 below is about something else
LEAST_ROOM: Final = 600  # for fields in an address; with less, there would be a request for each
#: In every group, so that parts of two versions of a row are not taken for one row.
VERSION_FIELDS: Final = ("last_modified", "version_stamp")


def field_groups(
    fields: Sequence[str], address_length: Callable[[Sequence[str]], int], longest: int
) -> list[list[str]]:
    """The fields in as few groups as addresses of `longest` characters allow, in their order."""
    if address_length(fields) <= longest or address_length([]) > longest - LEAST_ROOM:
        return [list(fields)]  # short enough, or the query is what makes it long
    common = [name for name in fields if name in VERSION_FIELDS]
    others = [name for name in fields if name not in common]
    groups: list[list[str]] = [[]]
    for name in others:
        # a field that alone makes the address too long is asked for all the same
        if groups[-1] and address_length([*common, *groups[-1], name]) > longest:
            groups.append([])
        groups[-1].append(name)
    return [[*common, *group] for group in groups if group or len(groups) == 1]


def join_pages(pages: Sequence[PageBytes]) -> PageBytes:
    """One page with the fields of all. Raises AnswerError when they are not of the same rows."""
    first = pages[0]
    parsed = [page.parse() for page in pages]
    rows: list[dict[str, Any]] = [dict(row) for row in parsed[0].rows]
    for page in parsed[1:]:
        if [row["id"] for row in page.rows] != [row["id"] for row in rows] or (
            page.total_count != parsed[0].total_count
        ):
            raise _changed(first)
        for row, more in zip(rows, page.rows, strict=True):
            if any(row.get(name) != more.get(name) for name in VERSION_FIELDS):
                raise _changed(first)
            row.update(more)
    body = {
        "total_count": parsed[0].total_count,
        "data": rows,
        "exceeds_total_count": any(page.exceeds_total_count for page in parsed),
    }
    return replace(
        first,
        body=json.dumps(body).encode("ascii"),
        bytes_received=sum(page.bytes_received for page in pages),
    )


class RowsChangedError(AnswerError):
    """Rows changed between two requests for their fields; a repetition may succeed."""


def _changed(page: PageBytes) -> RowsChangedError:
    return RowsChangedError(
        f"{capitalized(page.action)} takes several requests, because its fields make the address "
        "too long for one, and rows changed between them each time; run it again."
    )
