"""One Octane server and shared space: its version, time, user and workspaces.

Settings in, checked answers out; `workspace` has the collections. The extract, the demo, parity
checks, actions and `doctor` call it, from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final

from octane_flows.client.concurrency import Politeness
from octane_flows.client.connection import Connection
from octane_flows.client.dialect_memory import DialectMemory
from octane_flows.client.envelope import Page, ids_of_page
from octane_flows.client.query import Query, encode, field
from octane_flows.client.request_limits import Limits
from octane_flows.client.response import capitalized
from octane_flows.client.retry import RetryPolicy
from octane_flows.client.server_clock import ServerClock, server_time_of
from octane_flows.client.session import Timing
from octane_flows.client.stable_reading import read_stable_pages
from octane_flows.client.transport import Transport
from octane_flows.client.workspace import Workspace
from octane_flows.config import Settings, ids_of_workspaces, is_workspace_id
from octane_flows.errors import AccessError, AnswerError, NotFoundError, RequestError, UsageError

__all__ = ["Octane", "UserRef", "WorkspaceRef"]

VERSION_PATH: Final = "/admin/server/version"
MAX_LABEL: Final = 500
MAX_WORKSPACES: Final = 20_000  # a server that counts more would be read for hours
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
        #: For requests that have no method of their own here.
        self.connection = Connection(
            settings, transport=transport, limits=limits, policy=policy, timing=timing
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
        self.connection.close()

    @property
    def url(self) -> str:
        """The server's base address."""
        return self.connection.url

    @property
    def shared_space(self) -> str:
        """The id of the shared space."""
        return self.connection.shared_space

    @property
    def page_size(self) -> int:
        """Rows a page, as the settings say."""
        return self.connection.page_size

    @property
    def politeness(self) -> Politeness:
        """What the requests so far have cost the server."""
        return self.connection.politeness

    @property
    def dialect(self) -> DialectMemory:
        """The forms of queries that the server takes, as far as they were needed."""
        return self.connection.dialect

    def version(self) -> str:
        """The server's version."""
        body = self.connection.call("GET", VERSION_PATH, action="reading the server's version")
        version = body.get("version") if isinstance(body, dict) else None
        if not isinstance(version, str) or not _is_label(version):
            raise AnswerError(
                f"{self.url}{VERSION_PATH} gave no version, so this may not be an Octane server; "
                "check OCTANE_URL."
            )
        return version

    def server_time(self) -> datetime:
        """The server's clock, in UTC, to the second."""
        response = self.connection.send("GET", VERSION_PATH, action="reading the server's time")
        server_time = server_time_of(response)
        if server_time is None:
            raise AnswerError(
                f"{self.url} gave no usable Date header, which dates the extract; check the "
                "proxies in between."
            )
        return server_time

    @property
    def clock(self) -> ServerClock:
        """The server's clock by all answers so far, and this machine's."""
        return self.connection.clock

    def current_user(self) -> UserRef | None:
        """The user who is signed in; None where the server does not say."""
        try:
            body = self.connection.call("GET", CURRENT_USER_PATH, action="asking who is signed in")
        except (AccessError, NotFoundError, RequestError):
            return None
        if not isinstance(body, dict):
            return None
        id, name = (str(body.get(key) or "") for key in ("id", "name"))
        return UserRef(id, name) if _is_label(id) and _is_label(name) else None

    def workspaces(self) -> list[WorkspaceRef]:
        """The active workspaces that the caller may read. Raises UsageError where it is none."""
        space = f"/api/shared_spaces/{encode(self.shared_space)}"
        is_active = field("activity_level").eq(0)
        try:
            rows = self._workspace_rows(space, is_active)
        except RequestError:  # servers that do not have the field list active workspaces only
            rows = self._workspace_rows(space, None)
        except AccessError as error:
            raise AccessError(
                f"{str(error).rstrip('.')}; or name the workspaces by their ids in "
                "OCTANE_WORKSPACES, which needs no list."
            ) from error
        if not rows:
            raise UsageError(
                f"Shared space {self.shared_space} lists no workspace that this user or API key "
                "may read, so OCTANE_WORKSPACES=all names none; ask for a role in a workspace, or "
                "check OCTANE_SHARED_SPACE."
            )
        for row in rows:
            if not is_workspace_id(str(row["id"])):
                raise AnswerError(
                    f"Shared space {self.shared_space} listed a workspace with the id "
                    f"{str(row['id'])[:40]!r}, but such ids are numbers; check OCTANE_URL, or name "
                    "the workspaces in OCTANE_WORKSPACES."
                )
        names = [str(row.get("name") or "") for row in rows]
        return [
            WorkspaceRef(str(row["id"]), name if _is_label(name) else str(row["id"]))
            for row, name in zip(rows, names, strict=True)
        ]

    def workspace_ids(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """The ids of workspaces that are given by id or name; None: all that the caller may read.

        Ids alone need no request. Raises UsageError for a name that none has, or several have.
        """
        if wanted is not None and all(map(is_workspace_id, wanted)):
            return tuple(wanted)
        return self.ids_among(self.workspaces(), wanted)

    def ids_among(
        self, listed: Sequence[WorkspaceRef], wanted: Sequence[str] | None
    ) -> tuple[str, ...]:
        """As `workspace_ids`, where the list was read already."""
        names = {workspace.id: workspace.name for workspace in listed}
        if wanted is None:
            return tuple(names)
        where = f"shared space {self.shared_space} of {self.url}"
        return ids_of_workspaces(wanted, names, where=where)

    def _workspace_rows(self, space: str, query: Query | None) -> list[dict[str, Any]]:
        action = f"listing the workspaces of shared space {self.shared_space}"

        def page_at(offset: int) -> Page:
            page = self.connection.read_page(
                f"{space}/workspaces",
                fields=["id", "name"],
                query=query,
                order_by="id",
                limit=self.page_size,
                offset=offset,
                action=action,
                is_optional=query is not None,
            ).parse()
            if page.total_count > MAX_WORKSPACES:
                raise AnswerError(
                    f"{capitalized(action)} failed, because the server counts "
                    f"{page.total_count:,} and at most {MAX_WORKSPACES:,} are read; name the "
                    "workspaces in OCTANE_WORKSPACES."
                )
            return page

        def unstable(what: str) -> AnswerError:
            return AnswerError(f"{capitalized(action)} failed, because the list {what}; try again.")

        pages = read_stable_pages(page_at(0), page_at, ids_of_page, page_at, ids_of_page, unstable)
        return [row for page in pages for row in page.rows]

    def workspace(self, id: str) -> Workspace:
        """A workspace by id; this sends no request."""
        return Workspace(self.connection, str(id))


def _is_label(text: str) -> bool:
    """Whether a text can be stored and shown as the name of something."""
    return 0 < len(text) <= MAX_LABEL and text.isprintable()
