"""Connections that end when a client is silent or reads nothing, and that are never too many.

uvicorn's protocol with three limits; `run_server` passes it to uvicorn.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

SILENCE_S: Final = 30.0  # a request arrives whole within a second, also over slow lines
UNREAD_S: Final = 60.0  # of an answer nobody reads on
MOST_CONNECTIONS: Final = 500
FULL: Final = (
    "This server has as many connections as it may; close some, or try again in 5 seconds.\n"
)


class BoundedConnection(H11Protocol):
    """One connection of a client."""

    _silence: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or tell the client that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.write(
                "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(FULL)}\r\n\r\n{FULL}".encode()
            )
            transport.close()
            return
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a request that has begun must end in time."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_nothing()
        elif self._silence is None:
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the limits of the connection."""
        self._expect_nothing()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read: it has some time to go on."""
        super().pause_writing()
        self._unread = self._unread or self.loop.call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads on."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def _expect_request(self) -> None:
        self._silence = self.loop.call_later(SILENCE_S, self.transport.abort)

    def _expect_nothing(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
