"""Reading a collection, or what a query leaves of it: pages by key inside closed id windows.

An entity plan comes in, decoded pages in the order of their ids go out; several requests are in
flight. Rows and the server's count must add up, or it is an error. `entity_pages` reads
here.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, takewhile
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from octane_flows.client import Page, PageBytes, Query, Workspace, field
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR, count_exactly
from octane_flows.client.envelope import ids_of_page
from octane_flows.client.large_bodies import large_body_room
from octane_flows.client.stable_reading import read_stable_pages
from octane_flows.errors import (
    AnswerError,
    RequestError,
    TimeOutError,
    TooLargeError,
)
from octane_flows.extract.entity_result import ReadCount
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.field_values import Misfit, value_text
from octane_flows.extract.page_size import PageSize
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.row_ids import MAX_ROW_ID, are_names, id_number
from octane_flows.lake.arrow_arrays import arrow_scalar

# Pages that a window holds when ids are dense. All pages of all windows in flight lie in memory, so
# there are few: two keep every connection busy while one window is being written.
WINDOW_PAGES = 2
# During a reading of hours rows are committed late, and others are deleted after they were read: of
# so many counted rows one more may be read. Ids rise, so none of them comes twice.
MAX_UNCOUNTED = 100
# A window that brings so many times the rows that it counted at first is never going to end.
MAX_GROWTH = 10
EDGE_ROWS = 10  # of the lowest or highest rows, when the first has an id that cannot be used

#: A page's bytes to Arrow; runs in the thread that fetched the page.
Decode: TypeAlias = Callable[[PageBytes], DecodedPage]
TRUE = arrow_scalar(value=True, kind=pa.bool_())


def read_pages(
    workspace: Workspace,
    plan: EntityPlan,
    pool: ThreadPoolExecutor,
    *,
    decode: Decode,
    size: PageSize,
    windows_in_flight: int,
    count: ReadCount,
    query: Query | None = None,
    fields: Sequence[str] | None = None,
    first_page: Future[DecodedPage | None] | None = None,
) -> Iterator[DecodedPage]:
    """Yield the rows that match `query` page by page; `count` is filled on the way.

    `fields` None means all fields of the plan; `first_page` is the first page where it has been
    requested already. Raises AnswerError when pages repeat, come out of order, or do not add up.
    """
    reader = Reader(workspace, plan, decode, size, query, fields)
    try:
        first = first_page.result() if first_page is not None else None
        if first is None:
            first = reader.page(None)
    except RequestError as error:
        if error.error_code != COUNT_LIMIT_ERROR:
            raise
        first = None
    if first is not None:
        count.total_count = first.total_count
        count.first_count = None if first.exceeds_total_count else first.total_count
        if first.rows == first.total_count and not first.exceeds_total_count:
            count.add_page(first.rows, first.bytes_received)
            reader.check_order(first, after=None)
            yield first
            return
        if first.numbers is None:
            yield from _by_offset(reader, first, count)
            return
    if reader.size.is_reduced:
        first = None  # its windows bring it again, and it may be large
    edges = reader.edges()
    if edges is not None:
        yield from _by_windows(reader, pool, windows_in_flight, count, edges)
    else:
        yield from _by_offset(reader, first or reader.page(None), count)


@dataclass(frozen=True)
class Edge:
    """The lowest or highest id, and the ids before it in that order, which are no numbers."""

    id: int
    unusable: tuple[str, ...] = ()


class Reader:
    """The requests for the rows of one collection that match `base`."""

    def __init__(
        self,
        workspace: Workspace,
        plan: EntityPlan,
        decode: Decode,
        size: PageSize,
        base: Query | None = None,
        fields: Sequence[str] | None = None,
    ) -> None:
        self.workspace = workspace
        self.plan = plan
        self.decode = decode
        self.size = size
        self.base = base
        self.fields = plan.fields if fields is None else fields

    def page(self, query: Query | None, *, offset: int = 0) -> DecodedPage:
        """One page of the rows that match `query` too."""
        while True:
            limit = self.size.rows
            try:
                with large_body_room():
                    page = self.decode(
                        self.workspace.page_bytes(
                            self.plan.collection,
                            fields=self.fields,
                            query=self._narrowed(query),
                            order_by="id",
                            limit=limit,
                            offset=offset,
                        )
                    )
            except (TimeOutError, TooLargeError) as error:
                if not self.size.shrink(limit, error):
                    raise
            else:
                self.size.succeeded(limit)
                return page

    def _narrowed(self, query: Query | None) -> Query | None:
        if query is None or self.base is None:
            return self.base if query is None else query
        return query & self.base

    def id_page(self, offset: int) -> Page:
        """One page of the ids alone."""
        return self.workspace.page(
            self.plan.collection,
            fields=["id"],
            query=self.base,
            limit=self.size.most,
            offset=offset,
        )

    def edges(self) -> tuple[Edge, Edge] | None:
        """The lowest and the highest id of the rows; None when one of them is a name."""
        lowest, highest = self._edge("id"), self._edge("-id")
        return None if lowest is None or highest is None else (lowest, highest)

    def _edge(self, order_by: str) -> Edge | None:
        """The first row in an order that has a number as its id; None where names come first."""
        for limit in (1, EDGE_ROWS):
            page = self.workspace.page(
                self.plan.collection, fields=["id"], query=self.base, order_by=order_by, limit=limit
            )
            if not page.rows:
                raise self.fault("says that it has rows but gives none")
            ids = ids_of_page(page)
            unusable = list(takewhile(lambda id: id_number(id) is None, ids))
            if are_names(unusable):
                return None
            if len(unusable) < len(ids):
                return Edge(int(ids[len(unusable)]), tuple(unusable))
        raise self.fault(f"has ids that are no numbers, as {value_text(unusable[0])}")

    def window(self, low: int, high: int) -> list[DecodedPage]:
        """All pages with ids from `low` to `high`."""
        return list(self.window_pages(low, high))

    def window_pages(self, low: int, high: int) -> Iterator[DecodedPage]:
        """The pages with ids from `low` to `high`; a window in which too much matches is halved."""
        last: int | None = None
        rows, first_count = 0, 0
        rejected: set[str] = set()
        while True:
            query = field("id").between(low, high)
            if last is not None:
                query = field("id").gt(last) & field("id").le(high)
            try:
                page = self.page(query).of_numbers()
                too_many = page.exceeds_total_count
            except RequestError as error:
                if error.error_code != COUNT_LIMIT_ERROR:
                    raise
                too_many = True
            if too_many:
                start = low if last is None else last + 1
                if start >= high:
                    raise self.fault(f"cannot count the rows with id {start}")
                middle = (start + high) // 2
                yield from self.window_pages(start, middle)
                yield from self.window_pages(middle + 1, high)
                return
            before = last
            last = self.check_order(page, after=low - 1 if last is None else last)
            self.check_end(last, high)
            if last is not None and last < low:
                last = None  # only rows without a number so far
            answered = page.rows
            page = page.without_repeated(rejected)
            rejected.update(page.rejected_ids)
            rows += page.rows
            total, limit = page.total_count, page.limit
            first_count = first_count or total
            if rows > MAX_GROWTH * max(first_count, limit):
                raise self.fault(f"gives more and more rows: {rows} by now")
            if answered < total and last == before:
                raise self.fault("gave a page without an id to go on from")
            if answered < total and answered < limit:
                raise self.fault(f"gave a page of {page.rows} rows where {total} matched")
            yield page
            del page  # it may be large, and the next one is read before this name is used again
            if answered >= total:
                return

    def check_order(self, page: DecodedPage, *, after: int | None) -> int | None:
        """Raise AnswerError unless ids rise from `after`; returns the last id, None for names."""
        numbers = page.numbers
        if numbers is None:
            if pc.count_distinct(page.ids).as_py() != len(page.ids):
                raise self.fault("repeated an id within a page")
            return None
        if not len(numbers):
            return after
        first: int = numbers[0].as_py()
        if after is not None and first <= after:
            raise self.fault(f"repeated or misplaced id {first} after {after}")
        place: int = pc.index(pc.less_equal(numbers[1:], numbers[:-1]), value=TRUE).as_py()
        if place >= 0:
            raise self.fault(
                f"repeated or misplaced id {numbers[place + 1]} after {numbers[place]}"
            )
        last: int = numbers[-1].as_py()
        return last

    def check_end(self, last: int | None, high: int) -> None:
        """Raise AnswerError when the last id of a page lies above the requested range."""
        if last is None or last > high:
            raise self.fault(
                f"gave {'an id that is no number' if last is None else f'id {last}'} "
                f"where ids up to {high} were requested"
            )

    def page_of_unusable(self, ids: Sequence[str]) -> DecodedPage:
        """A page without rows that tells of ids which no range of numbers brings."""
        body = json.dumps({"total_count": 0, "data": []}).encode()
        page = self.decode(PageBytes(body, self.size.most, 0, "reading the edges of a collection"))
        return replace(page, misfits=tuple(Misfit(id, "id", id) for id in map(value_text, ids)))

    def fault(self, what: str) -> AnswerError:
        """The error for a collection that cannot be right."""
        return AnswerError(
            f"Workspace {self.plan.workspace}: the collection {self.plan.collection} {what}, so "
            "its rows cannot be trusted to be complete. Nothing was published; run it again."
        )


def _by_offset(reader: Reader, first: DecodedPage, count: ReadCount) -> Iterator[DecodedPage]:
    """Named ids (phases, list nodes) have no numeric order to page by: read whole, by offset.

    No page is yielded before a second reading has confirmed the ids of all.
    """
    pages = read_stable_pages(
        first,
        lambda offset: reader.page(None, offset=offset),
        lambda page: page.answered_ids,
        reader.id_page,
        ids_of_page,
        reader.fault,
    )
    for page in pages:
        count.add_page(page.rows, page.bytes_received)
        count.total_count = page.total_count
        yield page


def _by_windows(
    reader: Reader,
    pool: ThreadPoolExecutor,
    in_flight: int,
    count: ReadCount,
    edges: tuple[Edge, Edge],
) -> Iterator[DecodedPage]:
    lowest, highest = edges
    low, high = lowest.id, highest.id
    waiting: deque[Future[list[DecodedPage]]] = deque()
    windows = _windows(low, high, count.total_count, reader.size)
    if lowest.unusable:  # such rows may be answered for any range of numbers, or for none
        windows = chain([(0, low - 1)], windows) if low else windows
    if highest.unusable:
        windows = chain(windows, [(high + 1, MAX_ROW_ID)])
    unusable = {*lowest.unusable, *highest.unusable}
    try:
        while True:
            # where pages are smaller than usual, each is large or costs the server much, so each
            # is written before the next one is read
            most = 0 if reader.size.is_reduced else in_flight
            while len(waiting) < most and (window := next(windows, None)) is not None:
                waiting.append(pool.submit(reader.window, *window))
            if waiting:
                pages: Iterator[DecodedPage] = iter(waiting.popleft().result())
            elif (window := next(windows, None)) is not None:
                pages = reader.window_pages(*window)
            else:
                break
            for page in pages:
                count.add_page(page.rows, page.bytes_received)
                unusable.difference_update(page.rejected_ids)
                yield page
                del page
        if unusable:
            yield reader.page_of_unusable(sorted(unusable))
    finally:
        for future in waiting:
            future.cancel()
    if count.rows != count.total_count or count.first_count is None:
        # The workspace may have changed meanwhile. Rows that were there all the time were read, so
        # there are at least as many as the lower of the counts before and after in this range.
        now = count_exactly(reader.workspace, reader.plan.collection, low, high, reader.base)
        before = now if count.first_count is None else count.first_count
        if count.rows < min(before, now) or count.rows - max(before, now) > _slack(
            max(before, now)
        ):
            raise reader.fault(f"gave {count.rows} rows and counts {now}")
        count.total_count = count.rows


def _slack(counted: int) -> int:
    """How many rows more than counted are believed: rows may come and others go meanwhile."""
    return counted // MAX_UNCOUNTED


def _windows(low: int, high: int, total: int, size: PageSize) -> Iterator[tuple[int, int]]:
    """Closed, adjoining id windows from low to high that hold about WINDOW_PAGES pages each."""
    start = low
    while start <= high:
        share = min(1.0, size.rows * WINDOW_PAGES / total) if total else 1.0
        width = max(size.rows, int((high - low + 1) * share))
        end = min(start + width - 1, high)
        yield start, end
        start = end + 1
