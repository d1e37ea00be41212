"""The client: one server and shared space; `workspace` has the collections.

Settings in, requests sent and answers checked; one that cannot be trusted raises. The extract, the
demo, parity checks, actions and `doctor` call it, from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final
from urllib.parse import unquote

from octane_flows.client.concurrency import Politeness, Topic
from octane_flows.client.envelope import Page, PageBytes
from octane_flows.client.query import Query, encode, field
from octane_flows.client.request_limits import Limits
from octane_flows.client.response import check_answer, read_json
from octane_flows.client.retry import RetryPolicy
from octane_flows.client.session import Session, Timing
from octane_flows.client.transport import Answer, HttpTransport, Transport
from octane_flows.client.workspace import Workspace, read_page
from octane_flows.config import Settings
from octane_flows.errors import AccessError, AnswerError, NotFoundError, RequestError

__all__ = ["Octane", "Page", "PageBytes", "UserRef", "Workspace", "WorkspaceRef"]

PREVIEW_HEADER: Final = "ALM-OCTANE-TECH-PREVIEW"  # many resources need it, none minds it
PRIVATE_HEADER: Final = "ALM-OCTANE-PRIVATE"  # in its place, for what only the vendor's tools use
VERSION_PATH: Final = "/admin/server/version"
CURRENT_USER_PATH: Final = "/api/current_user"


@dataclass(frozen=True)
class WorkspaceRef:
    """A workspace that the caller may read."""

    id: str
    name: str


@dataclass(frozen=True)
class UserRef:
    """The user or API key that is signed in; `name` is what it signs in with."""

    id: str
    name: str


class Octane:
    """One server and shared space; a context manager, safe between threads."""

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

    def __enter__(self) -> Octane:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    @property
    def politeness(self) -> Politeness:
        """What was asked of the server so far."""
        return self._session.counters.snapshot()

    def version(self) -> str:
        """The server's version."""
        body, _ = self.call("GET", VERSION_PATH, what="reading the server's version")
        version = body.get("version") if isinstance(body, dict) else None
        if not isinstance(version, str) or not version:
            raise AnswerError(
                f"{self.url}{VERSION_PATH} gave no version, so this may not be an Octane server; "
                "check OCTANE_URL."
            )
        return version

    def server_time(self) -> datetime:
        """The server's clock, in UTC, to the second."""
        answer = self.send("GET", VERSION_PATH, what="reading the server's time")
        try:
            moment = parsedate_to_datetime(answer.header("date") or "")
        except (ValueError, OverflowError):
            raise AnswerError(
                f"{self.url} gave no usable Date header, which dates the extract; check the "
                "proxies in between."
            ) from None
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)

    def current_user(self) -> UserRef | None:
        """Who is signed in; None where the server does not tell."""
        try:
            body, _ = self.call("GET", CURRENT_USER_PATH, what="asking who is signed in")
        except (AccessError, NotFoundError, RequestError):
            return None
        if not isinstance(body, dict) or not body.get("id") or not body.get("name"):
            return None
        return UserRef(str(body["id"]), str(body["name"]))

    def workspaces(self) -> list[WorkspaceRef]:
        """The active workspaces that the caller may read."""
        space = f"/api/shared_spaces/{encode(self.shared_space)}"
        active = field("activity_level").eq(0)
        try:
            rows = self._all_workspaces(space, active)
        except RequestError:  # servers that do not know the field list active ones only
            rows = self._all_workspaces(space, None)
        return [WorkspaceRef(str(row["id"]), str(row.get("name") or row["id"])) for row in rows]

    def _all_workspaces(self, space: str, query: Query | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = read_page(
                self,
                f"{space}/workspaces",
                fields=["id", "name"],
                query=query,
                order_by="id",
                limit=self.page_size,
                offset=len(rows),
                what=f"listing the workspaces of shared space {self.shared_space}",
            ).parse()
            rows.extend(page.rows)
            if len(rows) >= page.total_count:
                return rows
            if not page.rows:
                raise AnswerError(
                    f"Shared space {self.shared_space} listed {len(rows)} workspaces but counts "
                    f"{page.total_count}; try again."
                )

    def workspace(self, id: str) -> Workspace:
        """A workspace by id; asks nothing of the server."""
        return Workspace(self, str(id))

    def send(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        what: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        is_private: bool = False,
    ) -> Answer:
        """Send one request; the values of `params` are encoded already."""
        headers = {"Accept": accept, PRIVATE_HEADER if is_private else PREVIEW_HEADER: "true"}
        if body is not None:
            headers["Content-Type"] = content_type
        query = "&".join(f"{encode(key)}={value}" for key, value in params)
        target = f"{path}?{query}" if query else path
        return self._session.send(
            method, target, what=what, headers=headers, body=body, topic=_topic(path)
        )

    def check(self, answer: Answer, what: str) -> None:
        """Raise unless the answer to `what` is a good one. Raises ServerError."""
        check_answer(answer, what, redact=self._session.redact)

    def call(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        what: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        is_private: bool = False,
    ) -> tuple[Any, int]:
        """Send one request; gives the JSON and the bytes that came. Raises ServerError."""
        answer = self.send(
            method, path, params, what=what, body=body, content_type=content_type,
            is_private=is_private,
        )  # fmt: skip
        if method == "DELETE" and 200 <= answer.status < 300 and not answer.body.strip():
            return None, answer.wire_bytes
        return read_json(answer, what, redact=self._session.redact), answer.wire_bytes


def _topic(path: str) -> Topic:
    """The workspace and collection that a path is about; None for the server itself."""
    match path.split("/"):
        case ["", "api", "shared_spaces", _, "workspaces", workspace, collection, *_]:
            return unquote(workspace), unquote(collection)
    return None
