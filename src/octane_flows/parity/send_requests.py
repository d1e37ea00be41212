"""Sending a flow's documented requests: one after another, all pages of each.

A workspace of the client and `DocumentedRequests` in, the requests that were sent and the ids out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from octane_flows.client.stable_reading import read_stable_pages
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
    sent, answer = send_with_values(workspace, documented, params, most=most)
    return sent, frozenset(answer)


def send_with_values(
    workspace: RestWorkspace,
    documented: DocumentedRequests,
    params: Mapping[str, Any],
    *,
    most: int | None = None,
) -> tuple[tuple[Request, ...], dict[str, Row]]:
    """As `send_requests`, with what the requests themselves tell about each id, by column."""
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
    values = ids if isinstance(ids, Mapping) else {}
    return tuple(sent), {id: dict(values.get(id, {})) for id in ids}


def read_all(workspace: RestWorkspace, request: Request, most: int | None = None) -> list[Row]:
    """All rows of one request; pages come by offset, so a second reading confirms their ids."""

    def page_at(offset: int, fields: Sequence[str] = request.fields) -> RestPage:
        return workspace.page(
            request.collection,
            fields=list(fields),
            query=request.query,
            order_by="id",
            limit=PAGE_SIZE,
            offset=offset,
        )

    def unstable(what: str) -> AnswerError:
        return AnswerError(
            f"The answer to {request.collection} with {request.query} {what}, or does not have as "
            "many ids as the server counts; compare again when fewer rows change."
        )

    first = page_at(0)
    if most is not None and first.total_count > most:
        raise TooManyRowsError(
            f"Octane counts {first.total_count:,} {request.collection} that match, more than "
            f"the {most:,} that are compared; narrow it with parameters, or raise --most."
        )
    pages = read_stable_pages(
        first, page_at, _ids, lambda offset: page_at(offset, ("id",)), _ids, unstable
    )
    return [row for page in pages for row in page.rows]


def _ids(page: RestPage) -> list[str]:
    return [str(row["id"]) for row in page.rows]


def utc_time(text: str) -> datetime:
    """A time of an answer as naive UTC, as the warehouse holds it."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)
