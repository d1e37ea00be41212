"""Sending a flow's documented requests: one after another, all pages of each.

A workspace of the client and `DocumentedRequests` in, the requests that were sent and the ids out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from octane_flows.errors import AnswerError
from octane_flows.parity.requests import DocumentedRequests, Request, Row

PAGE_SIZE = 1000  # the largest page that the server gives


class RestPage(Protocol):
    """What is used of a page of the client."""

    @property
    def rows(self) -> list[dict[str, Any]]: ...  # noqa: D102
    @property
    def total_count(self) -> int: ...  # noqa: D102


class RestWorkspace(Protocol):
    """What is used of a workspace of the client."""

    @property
    def id(self) -> str: ...  # noqa: D102

    def page(  # noqa: D102
        self,
        collection: str,
        *,
        fields: Sequence[str],
        query: str | None = None,
        order_by: str | None = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> RestPage: ...


class TooManyRowsError(AnswerError):
    """A request matches more rows than may be read; nothing is wrong with the server."""


def send_requests(
    workspace: RestWorkspace,
    documented: DocumentedRequests,
    params: Mapping[str, Any],
    *,
    most: int | None = None,
) -> tuple[tuple[Request, ...], frozenset[str]]:
    """Send the documented requests; gives them and the ids that they lead to.

    `most` is the number of rows that one request may match (None: any number). A request that
    matches more raises `TooManyRowsError` after its first page.
    """
    sent: list[Request] = []
    steps = documented.steps(params)
    ids: Iterable[str]
    try:
        request = next(steps)
        while True:
            sent.append(request)
            request = steps.send(read_all(workspace, request, most))
    except StopIteration as end:
        ids = end.value
    return tuple(sent), frozenset(ids)


def read_all(workspace: RestWorkspace, request: Request, most: int | None = None) -> list[Row]:
    """All rows of one request, page by page."""
    rows: list[Row] = []
    while True:
        page = workspace.page(
            request.collection,
            fields=list(request.fields),
            query=request.query,
            order_by="id",
            limit=PAGE_SIZE,
            offset=len(rows),
        )
        if most is not None and page.total_count > most:
            raise TooManyRowsError(
                f"Octane counts {page.total_count:,} {request.collection} that match, more than "
                f"the {most:,} that are compared; narrow it with parameters, or raise --most."
            )
        rows += page.rows
        if not page.rows or len(rows) >= page.total_count:
            break
    id_count = len({str(row["id"]) for row in rows})
    if id_count != page.total_count:
        raise AnswerError(
            f"Asking {request.collection} for {request.query} gave {id_count} ids where the server "
            f"counts {page.total_count}; rows changed meanwhile, so ask again."
        )
    return rows


def utc_time(text: str) -> datetime:
    """A time of an answer as naive UTC, as the warehouse holds it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
