"""A whole collection, page by page, by key instead of by deep offset.

A workspace, a collection and fields in, pages in order of id out. What does not add up raises:
no short page, repeated row or cut list passes for the end. For readers outside the extract, which
has its own, parallel reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from octane_flows.errors import AnswerError, RequestError
from octane_flows.octane.client import Page, Workspace
from octane_flows.octane.query import Query, field

__all__ = ["CAP_ERROR", "count_exactly", "id_windows", "rows_by_key"]

CAP_ERROR = "platform.exceeds_max_total_count"  # more rows match than the server will count


def id_windows(low: int, high: int, size: int) -> Iterator[tuple[int, int]]:
    """Closed, adjoining ranges of at most `size` ids that cover low to high."""
    if size < 1:
        raise ValueError(f"A window holds at least one id, not {size}.")
    for start in range(low, high + 1, size):
        yield start, min(start + size - 1, high)


def rows_by_key(
    workspace: Workspace,
    collection: str,
    fields: Sequence[str],
    *,
    query: Query | None = None,
    page_size: int,
) -> Iterator[Page]:
    """Yield all pages. Raises AnswerError when they do not add up to what the server counts.

    Numeric ids are read by `id GT last`; named ids (phases, list nodes) have no such order and
    are read by offset.
    """
    first = workspace.page(collection, fields=fields, query=query, limit=page_size)
    if all(_is_number(row["id"]) for row in first.rows):
        return _by_key(workspace, collection, fields, query, page_size, first)
    return _by_offset(workspace, collection, fields, query, page_size, first)


def count_exactly(
    workspace: Workspace, collection: str, low: int, high: int, query: Query | None = None
) -> int:
    """Count the ids from low to high, in halves where the server stops counting."""
    try:
        page = workspace.page(
            collection, fields=["id"], query=_joined(field("id").between(low, high), query), limit=1
        )
        if not page.exceeds_total_count:
            return page.total_count
    except RequestError as error:
        if error.error_code != CAP_ERROR:
            raise
    if low >= high:
        raise _fault(workspace, collection, f"cannot be counted, not even id {low} alone")
    middle = (low + high) // 2
    return count_exactly(workspace, collection, low, middle, query) + count_exactly(
        workspace, collection, middle + 1, high, query
    )


def _by_key(
    workspace: Workspace,
    collection: str,
    fields: Sequence[str],
    query: Query | None,
    page_size: int,
    first: Page,
) -> Iterator[Page]:
    page, read, last = first, 0, -1
    while True:
        for row in page.rows:
            if not _is_number(row["id"]):
                raise _fault(workspace, collection, f"mixes numbers with the id {row['id']!r}")
            number = int(row["id"])
            if number <= last:
                raise _fault(workspace, collection, f"gave id {number} after {last}")
            last = number
        read += len(page.rows)
        rest = page.total_count - len(page.rows)
        if len(page.rows) < page_size and (rest > 0 or page.exceeds_total_count):
            raise _fault(
                workspace,
                collection,
                f"gave a page of {len(page.rows)} rows where {page.total_count} matched",
            )
        if page.rows:
            yield page
        if rest <= 0 and not page.exceeds_total_count:
            break
        page = workspace.page(
            collection, fields=fields, query=_joined(field("id").gt(last), query), limit=page_size
        )
    if not first.exceeds_total_count and read < first.total_count:
        # Rows may have been deleted meanwhile: what counts is what lies in the range now.
        now = count_exactly(workspace, collection, 0, last, query)
        if read != now:
            raise _fault(workspace, collection, f"gave {read} rows and counts {now}")


def _by_offset(
    workspace: Workspace,
    collection: str,
    fields: Sequence[str],
    query: Query | None,
    page_size: int,
    first: Page,
) -> Iterator[Page]:
    page, seen = first, set[str]()
    while True:
        ids = {str(row["id"]) for row in page.rows}
        if len(ids) != len(page.rows) or seen & ids:
            raise _fault(workspace, collection, "repeated rows")
        seen |= ids
        if page.rows:
            yield page
        if len(seen) == page.total_count and not page.exceeds_total_count:
            return
        if not page.rows or len(seen) > page.total_count:
            raise _fault(
                workspace, collection, f"gave {len(seen)} rows and counts {page.total_count}"
            )
        page = workspace.page(
            collection, fields=fields, query=query, limit=page_size, offset=len(seen)
        )


def _joined(key: Query, query: Query | None) -> Query:
    return key if query is None else key & query


def _is_number(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.isdecimal())


def _fault(workspace: Workspace, collection: str, what: str) -> AnswerError:
    return AnswerError(
        f"Reading {collection} of workspace {workspace.id}: the collection {what}, so its rows "
        "cannot be trusted to be complete; read it again."
    )
