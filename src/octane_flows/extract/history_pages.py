"""Pages of the change history of one entity type: requests out, saves in, newest first.

A workspace of the client, a collection and windows of time come in; saves go out, a page at a time,
with the windows that are left. `history_reader` calls it. What the server does not take is tried in
a smaller form: fewer records a page, halves of a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from octane_flows.client import Query, Workspace
from octane_flows.client import field as column
from octane_flows.client.entity_count import COUNT_LIMIT_ERROR
from octane_flows.errors import AnswerError, RequestError, UnavailableError
from octane_flows.extract.history_records import RecordKeys, Save, read_saves
from octane_flows.extract.history_windows import Window, take

MAX_RECORDS = 10_000  # the server gives no more to one query; live servers take it as a limit
SMALLER_LIMITS = (5_000, 1_000, 200)  # of servers that refuse so large a page
NEWEST_FIRST = "-timestamp"


@dataclass
class HistoryCost:
    """What a reading of the history took."""

    pages: int = 0
    records: int = 0
    bytes_received: int = 0


@dataclass(frozen=True)
class HistoryPage:
    """Saves of whole seconds, newest first; `left` are the windows that are not read yet."""

    saves: Sequence[Save]
    left: Sequence[Window]


@dataclass
class HistoryPages:
    """Reads the history of one entity type, of all its entities or of some `ids`.

    `crowded` are seconds with more records than the server gives.
    """

    workspace: Workspace
    collection: str
    entity_type: str
    newest: datetime
    ids: Sequence[str] = ()
    limit: int = MAX_RECORDS
    cost: HistoryCost = field(default_factory=HistoryCost)
    keys: RecordKeys = field(default_factory=RecordKeys)
    crowded: list[datetime] = field(default_factory=list)

    def read(self, window: Window) -> Iterator[HistoryPage]:
        """All saves of a window. Raises ServerError."""
        left = [window]
        while left:
            window = left.pop(0)
            try:
                answer = self._request(window, 0)
            except RequestError as error:
                is_too_much = error.error_code == COUNT_LIMIT_ERROR or self.cost.pages
                if window.is_second or not is_too_much:
                    raise
                left[:0] = window.halves(self.newest)
                continue
            moments = [save.changed_at for save in answer.saves]
            taken = take(window, moments, is_whole=answer.is_whole, newest=self.newest)
            if taken.must_page:
                saves = self._read_second(window, answer)
            else:
                pairs = zip(answer.saves, taken.is_taken, strict=True)
                saves = [save for save, is_taken in pairs if is_taken]
                left[:0] = taken.left
            yield HistoryPage(saves, tuple(left))

    def oldest(self) -> datetime | None:
        """The time of the oldest record that the server has; None without records."""
        answer = self._request(Window(), 0, order_by="timestamp", limit=1)
        return min((save.changed_at for save in answer.saves), default=None)

    def _read_second(self, window: Window, first: _Answer) -> list[Save]:
        """The saves of one second, page by page; what the server does not give is noted."""
        saves, answer = list(first.saves), first
        offset = first.records
        while not answer.is_whole:
            answer = self._request(window, offset)
            if not answer.records:
                if window.start is not None:
                    self.crowded.append(window.start)
                break
            saves += answer.saves
            offset += answer.records
        return saves

    def _query(self, window: Window) -> Query:
        query = column("entity_type").eq(self.entity_type)
        if self.ids:
            query = column("entity_id").in_(self.ids) & query
        return query if window.query is None else query & window.query

    def _request(
        self, window: Window, offset: int, *, order_by: str = NEWEST_FIRST, limit: int | None = None
    ) -> _Answer:
        """One page, with fewer records where the server does not take the limit."""
        query = self._query(window)
        for smaller in (*(size for size in SMALLER_LIMITS if size < self.limit), None):
            try:
                page = self.workspace.history_page(
                    self.collection,
                    query=query,
                    order_by=order_by,
                    limit=limit or self.limit,
                    offset=offset,
                )
                break
            except (RequestError, UnavailableError) as error:
                is_too_much = getattr(error, "error_code", None) == COUNT_LIMIT_ERROR
                if smaller is None or limit is not None or is_too_much:
                    raise
                self.limit = smaller
        self.cost.pages += 1
        self.cost.bytes_received += page.bytes_received
        return self._answer(page.parse_any(), limit or self.limit, offset)

    def _answer(self, body: Any, limit: int, offset: int) -> _Answer:
        records = body.get("data") if isinstance(body, dict) else None
        if not isinstance(records, list):
            raise AnswerError(
                f"Reading {self.collection} of workspace {self.workspace.id} gave no list of "
                "records; try again, and set OCTANE_HISTORY=none if it stays."
            )
        total = body.get("total_count")
        counted = total if isinstance(total, int) and not isinstance(total, bool) else 0
        self.cost.records += len(records)
        saves = read_saves(records, self.keys)
        if records and not saves:
            raise AnswerError(
                f"Reading {self.collection} of workspace {self.workspace.id} gave records in a "
                "form that is not known; set OCTANE_HISTORY=none to go on without the history."
            )
        is_whole = (
            len(records) < limit
            and offset + len(records) >= counted
            and body.get("exceeds_total_count") is not True
        )
        return _Answer(saves, len(records), is_whole)


@dataclass(frozen=True)
class _Answer:
    """The saves of one answer; `is_whole`: nothing follows after its `records`."""

    saves: Sequence[Save]
    records: int
    is_whole: bool
