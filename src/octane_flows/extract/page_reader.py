"""Reading a collection, or what a query leaves of it: pages by key inside closed id windows.

An entity plan and a decoder in, decoded pages in id order out, several in flight. What was read
must add up, or it is an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow.compute as pc

from octane_flows.client import PageBytes, Query, Workspace, field
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR, count_exactly
from octane_flows.errors import AnswerError, RequestError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_to_arrow import DecodedPage

# Pages that a window holds when ids are dense. All pages of all windows in flight lie in memory,
# so few: two keep every connection busy while one window is being written.
WINDOW_PAGES = 2

#: A page's bytes to Arrow; runs in the thread that fetched the page.
Decode: TypeAlias = Callable[[PageBytes], DecodedPage]


@dataclass
class ReadCount:
    """What reading a collection has cost and brought so far."""

    total_count: int = 0
    first_count: int | None = None
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
    query: Query | None = None,
    fields: Sequence[str] | None = None,
    asked: Future[DecodedPage] | None = None,
) -> Iterator[DecodedPage]:
    """Yield the rows that match `query` page by page; `count` is filled on the way.

    `fields` None asks for all fields of the plan; `asked` is the first page where that request is
    under way already. Raises AnswerError when pages repeat, come out of order, or do not add up.
    """
    reader = Reader(workspace, plan, decode, page_size, query, fields)
    try:
        first = reader.page(None) if asked is None else asked.result()
    except RequestError as error:
        if error.error_code != COUNT_LIMIT_ERROR:
            raise
        first = None
    if first is not None:
        count.total_count = first.total_count
        count.first_count = None if first.exceeds_total_count else first.total_count
        if first.rows == first.total_count and not first.exceeds_total_count:
            count.add(first)
            reader.check_order(first, after=None)
            yield first
            return
        if first.numbers is None:
            yield from _by_offset(reader, first, count)
            return
    yield from _by_windows(reader, pool, windows_in_flight, count)


class Reader:
    """The requests for the rows of one collection that match `base`."""

    def __init__(
        self,
        workspace: Workspace,
        plan: EntityPlan,
        decode: Decode,
        page_size: int,
        base: Query | None = None,
        fields: Sequence[str] | None = None,
    ) -> None:
        self.workspace = workspace
        self.plan = plan
        self.decode = decode
        self.page_size = page_size
        self.base = base
        self.fields = plan.fields if fields is None else fields

    def page(self, query: Query | None, *, offset: int = 0) -> DecodedPage:
        """One page of the rows that match `query` too."""
        return self.decode(
            self.workspace.page_bytes(
                self.plan.collection,
                fields=self.fields,
                query=self._narrowed(query),
                order_by="id",
                limit=self.page_size,
                offset=offset,
            )
        )

    def _narrowed(self, query: Query | None) -> Query | None:
        if query is None or self.base is None:
            return self.base if query is None else query
        return query & self.base

    def edge(self, order_by: str) -> int | None:
        """The lowest or highest id of the rows."""
        page = self.workspace.page(
            self.plan.collection, fields=["id"], query=self.base, order_by=order_by, limit=1
        )
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
                if error.error_code != COUNT_LIMIT_ERROR:
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
        """The error for a collection that cannot be right."""
        return AnswerError(
            f"Workspace {self.plan.workspace}: the collection {self.plan.collection} {what}, so "
            "its rows cannot be trusted to be complete. Nothing was published; run it again."
        )


def _by_offset(reader: Reader, first: DecodedPage, count: ReadCount) -> Iterator[DecodedPage]:
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
    reader: Reader, pool: ThreadPoolExecutor, in_flight: int, count: ReadCount
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
        # The workspace may have changed meanwhile. Rows that were there all the time were read: so
        # there are at least as many as the lower of the counts before and after, in this range.
        now = count_exactly(reader.workspace, reader.plan.collection, low, high, reader.base)
        before = now if count.first_count is None else count.first_count
        if count.rows < min(before, now):
            raise reader.fault(f"gave {count.rows} rows and counts {now}")
        count.total_count = count.rows


def _windows(low: int, high: int, total: int, page_size: int) -> Iterator[tuple[int, int]]:
    """Closed, adjoining id windows from low to high that hold about WINDOW_PAGES pages each."""
    share = min(1.0, page_size * WINDOW_PAGES / total) if total else 1.0
    width = max(page_size, int((high - low + 1) * share))
    start = low
    while start <= high:
        end = min(start + width - 1, high)
        yield start, end
        start = end + 1
