"""The connection to one server and shared space: a request in, a checked response out.

`octane_client` and `workspace` send every request through it, from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from octane_flows.client.concurrency import Politeness, Topic
from octane_flows.client.dialect_memory import DialectMemory
from octane_flows.client.envelope import PageBytes, page_parameters
from octane_flows.client.field_groups import (
    LONGEST_ADDRESS,
    SHORTEST_ADDRESS,
    RowsChangedError,
    field_groups,
    join_pages,
)
from octane_flows.client.query import Query, encode
from octane_flows.client.request_limits import Limits
from octane_flows.client.response import check_response, read_json
from octane_flows.client.retry import RetryPolicy
from octane_flows.client.server_clock import ServerClock
from octane_flows.client.session import Session, Timing
from octane_flows.client.transport import HttpTransport, Response, Transport
from octane_flows.config import Settings
from octane_flows.errors import AddressError

__all__ = ["Connection"]

PREVIEW_HEADER: Final = "ALM-OCTANE-TECH-PREVIEW"  # many resources need it, none refuses it
SMALL_PAGE: Final = 10  # rows; whoever reads larger pages asks for a smaller one after a time-out
JOIN_ATTEMPTS: Final = 4  # rows of one page seldom change between two requests twice in a row
PRIVATE_HEADER: Final = "ALM-OCTANE-PRIVATE"  # in its place, for what only the vendor's tools use


class Connection:
    """Sends requests to one server and shared space; safe between threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        transport: Transport | None = None,
        limits: Limits | None = None,
        policy: RetryPolicy | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.url = settings.url
        self.shared_space = settings.shared_space
        self.page_size = settings.page_size
        #: The forms of queries that the server takes.
        self.dialect = DialectMemory()
        self._longest_address = LONGEST_ADDRESS  # a 414 makes it shorter
        self._transport = transport or HttpTransport(settings)
        self._session = Session(
            settings.url,
            settings.credentials,
            self._transport,
            concurrency=settings.concurrency,
            limits=limits or Limits.of_commands(settings),
            policy=policy,
            timing=timing,
        )

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    @property
    def clock(self) -> ServerClock:
        """The server's clock by all answers so far."""
        return self._session.clock

    @property
    def politeness(self) -> Politeness:
        """What the requests so far have cost the server."""
        return self._session.counters.snapshot()

    def send(
        self,
        method: str,
        path: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        action: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        is_private: bool = False,
        repeat_time_outs: bool = True,
    ) -> Response:
        """Send one request; the values of `parameters` are encoded already.

        `action` names the request in errors, such as "reading defects".
        """
        headers = {"Accept": accept, PRIVATE_HEADER if is_private else PREVIEW_HEADER: "true"}
        if body is not None:
            headers["Content-Type"] = content_type
        return self._session.send(
            method,
            _target(path, parameters),
            action=action,
            headers=headers,
            body=body,
            topic=_topic(path),
            repeat_time_outs=repeat_time_outs,
        )

    def check(self, response: Response, action: str) -> None:
        """Raise ServerError unless the response is a good one."""
        check_response(response, action, redact=self._session.redact)

    def call(
        self,
        method: str,
        path: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        action: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        is_private: bool = False,
    ) -> Any:
        """Send one request and give the JSON of its response. Raises ServerError."""
        response = self.send(
            method,
            path,
            parameters,
            action=action,
            body=body,
            content_type=content_type,
            is_private=is_private,
        )
        if method == "DELETE" and 200 <= response.status < 300 and not response.body.strip():
            return None
        return read_json(response, action, redact=self._session.redact)

    def read_page(
        self,
        path: str,
        *,
        fields: Sequence[str],
        query: Query | str | None,
        order_by: str | None,
        limit: int,
        offset: int,
        action: str,
        is_optional: bool = False,
    ) -> PageBytes:
        """Ask for one page; the status is checked, the body is not.

        The query is written in the server's dialect. Where the address would be too long, several
        requests bring the fields, and their rows are joined by id. A server that takes less than
        usual gets shorter addresses from then on, and pages of fewer rows. `is_optional`: the
        caller has another way where the server refuses the query.
        """

        def send(text: str | None, rows: int) -> PageBytes:
            return self._read_page(path, fields, text, order_by, rows, offset, action)

        if is_optional:
            return send(str(query) if query is not None else None, limit)
        # without fields it is the change history, whose pages are larger than those of entities
        return self.dialect.send(query, limit, send, path, has_own_limit=not fields)

    def _read_page(
        self,
        path: str,
        fields: Sequence[str],
        query: str | None,
        order_by: str | None,
        limit: int,
        offset: int,
        action: str,
    ) -> PageBytes:
        def parameters(names: Sequence[str]) -> list[tuple[str, str]]:
            return list(page_parameters(names, query, order_by, limit, offset))

        joins = 0
        while True:
            longest = self._longest_address
            groups = field_groups(
                fields, lambda names: len(self.url + _target(path, parameters(names))), longest
            )
            try:
                pages = [
                    self._read_part(path, parameters(names), limit, action) for names in groups
                ]
            except AddressError:
                if longest <= SHORTEST_ADDRESS or len(fields) < 2:
                    raise
                self._longest_address = longest // 2
                continue
            if len(pages) == 1:
                return pages[0]
            try:
                return join_pages(pages)
            except RowsChangedError:
                joins += 1
                if joins == JOIN_ATTEMPTS:
                    raise

    def _read_part(
        self, path: str, parameters: Sequence[tuple[str, str]], limit: int, action: str
    ) -> PageBytes:
        response = self.send(
            "GET", path, parameters, action=action, repeat_time_outs=limit <= SMALL_PAGE
        )
        self.check(response, action)
        return PageBytes(response.body, limit, response.wire_bytes, action)


def _target(path: str, parameters: Sequence[tuple[str, str]]) -> str:
    query = "&".join(f"{encode(key)}={value}" for key, value in parameters)
    return f"{path}?{query}" if query else path


def _topic(path: str) -> Topic:
    """The workspace and collection that a path is about; None for the server itself."""
    match path.split("/"):
        case ["", "api", "shared_spaces", _, "workspaces", workspace, collection, *_]:
            return unquote(workspace), unquote(collection)
    return None
