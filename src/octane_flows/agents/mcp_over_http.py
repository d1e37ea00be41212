"""The tools for agents at `/mcp` of `serve`: the protocol over HTTP, without sessions.

`AgentTools` in, an application with its lifespan out; the command `serve` mounts it behind its
sign-in. Each request is answered by itself, in JSON.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from mcp.server.streamable_http_manager import (
    StreamableHTTPASGIApp,
    StreamableHTTPSessionManager,
)
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from octane_flows.agents.agent_tools import AgentTools
from octane_flows.agents.mcp_server import make_server

MOST_BYTES = 1 << 20  # of a request; the largest is a query
FOREIGN_PAGE = (
    "A web page of another address may not ask this server; ask it from an agent, which sends no "
    "Origin."
)


class AgentsOverHttp:
    """An application for one path, and the lifespan in which it works."""

    def __init__(self, tools: AgentTools) -> None:
        self._sessions = StreamableHTTPSessionManager(
            app=make_server(tools),
            json_response=True,
            stateless=True,
            max_request_body_size=MOST_BYTES,
        )
        self.application: ASGIApp = SameOrigin(StreamableHTTPASGIApp(self._sessions))

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Work until the server ends."""
        async with self._sessions.run():
            yield


class SameOrigin:
    """Refuses what a page of another address sends through the browser of somebody signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            body = {"error": {"code": "403", "message": FOREIGN_PAGE}}
            await JSONResponse(body, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)
