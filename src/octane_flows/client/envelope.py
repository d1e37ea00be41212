"""One page of a collection: its parameters, and whether its envelope can be right. Pure.

Names, a query and bounds in, encoded parameters out; bytes or JSON in, a checked page or its fault
out. `connection` calls it; the extract has a faster reader of its own and comes here for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from octane_flows.client.query import encode_names, encode_query
from octane_flows.client.response import capitalized, parse_json
from octane_flows.errors import AnswerError

__all__ = ["Page", "PageBytes", "envelope_fault", "ids_of_page", "page_parameters"]


@dataclass(frozen=True)
class Page:
    """One page of a collection, rows as they came; `total_count` counts all matching rows."""

    rows: list[dict[str, Any]]
    total_count: int
    exceeds_total_count: bool
    bytes_received: int


def ids_of_page(page: Page) -> list[str]:
    """The ids of a page's rows as text."""
    return [str(row["id"]) for row in page.rows]


@dataclass(frozen=True)
class PageBytes:
    """One page as it came, not parsed yet; `limit` is the requested page size.

    `bytes_received` counts what came over the network: less than `body` when it was compressed.
    """

    body: bytes = field(repr=False)
    limit: int
    bytes_received: int
    action: str

    def parse_any(self) -> Any:
        """The JSON as it came, for answers whose rows have no id. Raises AnswerError."""
        return parse_json(self.body, self.action)

    def parse(self) -> Page:
        """The page as Python objects. Raises AnswerError when it cannot be right."""
        body = parse_json(self.body, self.action)
        fault = envelope_fault(body, self.limit)
        if fault is not None:
            raise AnswerError(f"{capitalized(self.action)} gave {fault}; nothing is taken from it.")
        exceeds = body.get("exceeds_total_count") is True
        return Page(body["data"], body["total_count"], exceeds, self.bytes_received)


def page_parameters(
    fields: Sequence[str],
    query: str | None,
    order_by: str | None,
    limit: int,
    offset: int,
) -> Iterator[tuple[str, str]]:
    """The parameters of a request for one page, values encoded; no `fields`: there are none."""
    # The server's defaults for fields, order and size differ by version, so all are sent.
    if fields:
        yield "fields", encode_names(fields)
    if query is not None:
        yield "query", encode_query(query)
    if order_by is not None:
        yield "order_by", encode_names([order_by])
    yield "limit", str(limit)
    if offset:
        yield "offset", str(offset)


def envelope_fault(body: Any, limit: int) -> str | None:
    """What is wrong with an envelope; None: nothing."""
    if not isinstance(body, dict):
        return f"a JSON {type(body).__name__} where a page was expected"
    rows, total = body.get("data"), body.get("total_count")
    if not isinstance(rows, list):
        return "no list of rows"
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        return "no total_count"
    if len(rows) > limit:
        return f"{len(rows)} rows where at most {limit} were asked for"
    if total < len(rows) and body.get("exceeds_total_count") is not True:
        return f"{len(rows)} rows but a total_count of {total}"
    for row in rows:
        key = row.get("id") if isinstance(row, dict) else None
        if isinstance(key, bool) or not isinstance(key, str | int) or key == "":
            return "a row without an id"
    return None
