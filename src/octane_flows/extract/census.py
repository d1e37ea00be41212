"""The census: which ids differ between the server and the lake, by counts over closed id ranges.

Stored ids and a workspace come in, a `Difference` goes out; only ranges whose counts differ are
searched. `deletions` calls it and asks again for each id that the server did not answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from octane_flows.client import Query, Workspace, field
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR, count_exactly
from octane_flows.errors import AnswerError, RequestError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.row_ids import id_number
from octane_flows.lake.stored_rows import Ids

# One count for this many rows: a deleted row and a new one in the same range cancel out in a count,
# so the ranges stay narrow; a million rows cost 20 requests.
RANGE_ROWS = 50_000
MAX_ID = 2**53 - 1  # the highest whole number that every JSON reader keeps


@dataclass(frozen=True)
class Difference:
    """How the ids differ: `unanswered` are in the lake alone, `unread` on the server alone."""

    unanswered: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()

    def plus(self, other: Difference) -> Difference:
        """The differences of two ranges."""
        return Difference(self.unanswered + other.unanswered, self.unread + other.unread)


def take_census(
    workspace: Workspace,
    entity: EntityPlan,
    stored: Ids,
    pool: ThreadPoolExecutor,
    *,
    page_size: int,
    query: Query | None,
) -> tuple[int, Difference]:
    """The server's count, and how its ids differ from the stored ones, which must be in order.

    `query` selects the rows that should be stored, None all. Raises AnswerError for counts that
    cannot be.
    """
    counter = _Counter(workspace, entity, page_size, query)
    server_count, difference = 0, Difference()
    edges = list(_ranges(stored))
    for count, part in pool.map(lambda edge: counter.compare(stored, *edge), edges):
        server_count += count
        difference = difference.plus(part)
    return server_count, difference


def _ranges(stored: Ids) -> Iterable[tuple[int, int]]:
    """Closed, adjoining ranges over all possible ids with about RANGE_ROWS stored ids each."""
    low = 0
    for place in range(RANGE_ROWS, len(stored), RANGE_ROWS):
        edge = int(stored[place])
        yield low, edge - 1
        low = edge
    yield low, MAX_ID


class _Counter:
    """Counts and lists of one collection."""

    def __init__(
        self, workspace: Workspace, entity: EntityPlan, page_size: int, query: Query | None
    ) -> None:
        self._workspace = workspace
        self._entity = entity
        self._page_size = page_size
        self._query = query

    def compare(
        self, stored: Ids, low: int, high: int, count: int | None = None
    ) -> tuple[int, Difference]:
        """The server's count of a range, and what differs in it."""
        ids = _within(stored, low, high)
        if len(ids) <= self._page_size:
            listed = self._listed(low, high)
            if listed is not None:
                return len(listed), _difference(ids, listed)
        if count is None:
            count = count_exactly(self._workspace, self._entity.collection, low, high, self._query)
        if count == len(ids):
            return count, Difference()
        if low >= high:
            raise AnswerError(
                f"Workspace {self._workspace.id}: {self._entity.collection} counts {count} rows "
                f"with id {low}, which cannot be; run the census again."
            )
        middle = _middle(ids, low, high)
        left = count_exactly(self._workspace, self._entity.collection, low, middle, self._query)
        _, lower = self.compare(stored, low, middle, left)
        _, upper = self.compare(stored, middle + 1, high, count - left)
        return count, lower.plus(upper)

    def _listed(self, low: int, high: int) -> Ids | None:
        """The ids of a range, when one page holds them all."""
        query = field("id").between(low, high)
        try:
            page = self._workspace.page(
                self._entity.collection,
                fields=["id"],
                query=query if self._query is None else query & self._query,
                limit=self._page_size,
            )
        except RequestError as error:
            if error.error_code != COUNT_LIMIT_ERROR:
                raise
            return None
        if page.exceeds_total_count or page.total_count > len(page.rows):
            return None
        numbers = [id_number(row["id"]) for row in page.rows]
        # rows whose id is no number are rejected when they are read, and are compared with nothing
        listed = np.array([id for id in numbers if id is not None], dtype=np.int64)
        outside = listed[(listed < low) | (listed > high)]
        if len(outside) or len(np.unique(listed)) < len(listed):
            fault = (
                f"id {outside[0]} where {low} to {high} were requested"
                if len(outside)
                else ("an id twice")
            )
            raise AnswerError(
                f"Workspace {self._workspace.id}: {self._entity.collection} gave {fault}, so its "
                "ids cannot be compared. Nothing was published; run the census again."
            )
        return listed


def _within(stored: Ids, low: int, high: int) -> Ids:
    start, end = np.searchsorted(stored, [low, high + 1])
    return stored[start:end]


def _middle(ids: Ids, low: int, high: int) -> int:
    """An id that halves the stored rows, or the range where there are none."""
    middle = int(ids[len(ids) // 2]) if len(ids) else (low + high) // 2
    return min(max(middle, low), high - 1)


def _difference(stored: Ids, listed: Ids) -> Difference:
    return Difference(
        unanswered=tuple(np.setdiff1d(stored, listed).tolist()),
        unread=tuple(np.setdiff1d(listed, stored).tolist()),
    )
