"""Reading one collection whole: pages by key inside closed id windows, several in flight.

An entity plan and a decoder in, decoded pages in id order out. What was read must add up, or it
is an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow.compute as pc

from octane_flows.errors import AnswerError, RequestError
from octane_flows.extract.decode import DecodedPage
from octane_flows.extract.plan import EntityPlan
from octane_flows.octane import PageBytes, Query, Workspace, field
from octane_flows.octane.paging import CAP_ERROR, count_exactly

# Pages that a window holds when ids are dense. All pages of all windows in flight lie in memory,
# so few: two keep every connection busy while one window is being written.
WINDOW_PAGES = 2

#: A page's bytes to Arrow; runs in the thread that fetched the page.
Decode: TypeAlias = Callable[[PageBytes], DecodedPage]


@dataclass
class ReadCount:
    """What reading a collection has cost and brought so far."""

    total_count: int = 0
    rows: int = 0
    pages: int = 0
    bytes_received: int = 0

    def add(self, page: DecodedPage) -> None:
        """Count one page."""
        self.rows += page.rows
        self.pages += 1
        self.bytes_received += page.bytes_received


def read_pages(
    workspace: Workspace,
    plan: EntityPlan,
    pool: ThreadPoolExecutor,
    *,
    decode: Decode,
    page_size: int,
    windows_in_flight: int,
    count: ReadCount,
) -> Iterator[DecodedPage]:
    """Yield the collection page by page; `count` is filled on the way.

    Raises AnswerError when pages repeat, come out of order, or do not add up in the end.
    """
    reader = _Reader(workspace, plan, decode, page_size)
    try:
        first = reader.page(None)
    except RequestError as error:
        if error.error_code != CAP_ERROR:
            raise
        first = None
    if first is not None:
        count.total_count = first.total_count
        if first.rows == first.total_count and not first.exceeds_total_count:
            count.add(first)
            reader.check_order(first, after=None)
            yield first
            return
        if first.numbers is None:
            yield from _by_offset(reader, first, count)
            return
    yield from _by_windows(reader, pool, windows_in_flight, count)


class _Reader:
    """The requests for one collection."""

    def __init__(
        self, workspace: Workspace, plan: EntityPlan, decode: Decode, page_size: int
    ) -> None:
        self.workspace = workspace
        self.plan = plan
        self.decode = decode
        self.page_size = page_size

    def page(self, query: Query | None, *, offset: int = 0) -> DecodedPage:
        return self.decode(
            self.workspace.page_bytes(
                self.plan.collection,
                fields=self.plan.fields,
                query=query,
                order_by="id",
                limit=self.page_size,
                offset=offset,
            )
        )

    def edge(self, order_by: str) -> int | None:
        """The lowest or highest id of the collection."""
        page = self.workspace.page(self.plan.collection, fields=["id"], order_by=order_by, limit=1)
        return int(page.rows[0]["id"]) if page.rows else None

    def window(self, low: int, high: int) -> list[DecodedPage]:
        """All pages with ids from `low` to `high`; halves itself where too much matches."""
        pages: list[DecodedPage] = []
        last: int | None = None
        while True:
            query = field("id").between(low, high)
            if last is not None:
                query = field("id").gt(last) & field("id").le(high)
            try:
                page = self.page(query)
                too_many = page.exceeds_total_count
            except RequestError as error:
                if error.error_code != CAP_ERROR:
                    raise
                too_many = True
            if too_many:
                start = low if last is None else last + 1
                if start >= high:
                    raise self.fault(f"cannot count the rows with id {start}")
                middle = (start + high) // 2
                return [*pages, *self.window(start, middle), *self.window(middle + 1, high)]
            last = self.check_order(page, after=last)
            pages.append(page)
            if page.rows >= page.total_count:
                return pages
            if page.rows < self.page_size:
                raise self.fault(
                    f"gave a page of {page.rows} rows where {page.total_count} matched"
                )

    def check_order(self, page: DecodedPage, *, after: int | None) -> int | None:
        """Raise unless ids ascend from `after`; gives the last one, None for named ids."""
        numbers = page.numbers
        if numbers is None:
            if pc.count_distinct(page.ids).as_py() != page.rows:
                raise self.fault("repeated an id within a page")
            return None
        if not page.rows:
            return after
        first: int = numbers[0].as_py()
        if after is not None and first <= after:
            raise self.fault(f"repeated or misplaced id {first} after {after}")
        place: int = pc.index(pc.less_equal(numbers[1:], numbers[:-1]), value=True).as_py()
        if place >= 0:
            raise self.fault(
                f"repeated or misplaced id {numbers[place + 1]} after {numbers[place]}"
            )
        last: int = numbers[-1].as_py()
        return last

    def fault(self, what: str) -> AnswerError:
        return AnswerError(
            f"Workspace {self.plan.workspace}: the collection {self.plan.collection} {what}, so "
            "its rows cannot be trusted to be complete. Nothing was published; run it again."
        )


def _by_offset(reader: _Reader, first: DecodedPage, count: ReadCount) -> Iterator[DecodedPage]:
    """Named ids (phases, list nodes) have no numeric order to page by: read whole, by offset."""
    seen: set[str] = set()
    page = first
    while True:
        ids = set(page.ids.to_pylist())
        if len(ids) != page.rows or seen & ids:
            raise reader.fault("repeated rows between two pages")
        seen |= ids
        count.add(page)
        yield page
        if count.rows == page.total_count:
            count.total_count = page.total_count
            return
        if not page.rows or count.rows > page.total_count:
            raise reader.fault(f"gave {count.rows} rows and says that it has {page.total_count}")
        page = reader.page(None, offset=count.rows)


def _by_windows(
    reader: _Reader, pool: ThreadPoolExecutor, in_flight: int, count: ReadCount
) -> Iterator[DecodedPage]:
    low, high = reader.edge("id"), reader.edge("-id")
    if low is None or high is None:
        raise reader.fault("says that it has rows but gives none")
    waiting: deque[Future[list[DecodedPage]]] = deque()
    windows = iter(_windows(low, high, count.total_count, reader.page_size))
    try:
        while True:
            while len(waiting) < in_flight and (window := next(windows, None)) is not None:
                waiting.append(pool.submit(reader.window, *window))
            if not waiting:
                break
            for page in waiting.popleft().result():
                count.add(page)
                yield page
    finally:
        for future in waiting:
            future.cancel()
    if count.rows != count.total_count:
        # The workspace may have changed meanwhile: what counts is what lies in the range now.
        now = count_exactly(reader.workspace, reader.plan.collection, low, high)
        if count.rows != now:
            raise reader.fault(f"gave {count.rows} rows and counts {now}")
        count.total_count = now


def _windows(low: int, high: int, total: int, page_size: int) -> Iterator[tuple[int, int]]:
    """Closed, adjoining id windows from low to high that hold about WINDOW_PAGES pages each."""
    share = min(1.0, page_size * WINDOW_PAGES / total) if total else 1.0
    width = max(page_size, int((high - low + 1) * share))
    start = low
    while start <= high:
        end = min(start + width - 1, high)
        yield start, end
        start = end + 1
