"""The simulator behind the client without a socket: requests go straight to its WSGI application.

For tests that make thousands of requests; those of the HTTP layer itself use a real server.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from octane_flows.client.transport import Request, Response, TransportError
from octane_flows.config import ApiKey, Secret, Settings
from octane_simulator import Simulator
from octane_simulator.http.wire import CUT_BODY

URL = "http://127.0.0.1"


class WsgiTransport:
    """A transport that calls the application; `before` sees each request and may raise."""

    def __init__(
        self, simulator: Simulator, before: Callable[[Request], None] | None = None
    ) -> None:
        self.simulator = simulator
        self.before = before
        self.targets: list[str] = []

    def send(self, request: Request) -> Response:
        """Response one request."""
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self.targets.append(target)
        if self.before is not None:
            self.before(request)
        body = request.body or b""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "CONTENT_LENGTH": str(len(body)),
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        answer: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            answer["status"] = int(status.split(" ", 1)[0])
            answer["headers"] = tuple((key.lower(), value) for key, value in headers)

        content = b"".join(self.simulator.wsgi(environ, start))
        if environ.get(CUT_BODY):
            raise TransportError("cut", "the connection ended within the answer", sent=True)
        return Response(answer["status"], answer["headers"], content, 0.001, len(content))

    def close(self) -> None:
        """Nothing to close."""


def settings_for(simulator: Simulator, **changes: Any) -> Settings:
    """Settings that sign in to a simulator."""
    values: dict[str, Any] = {
        "url": URL,
        "shared_space": simulator.shared_space,
        "workspaces": (simulator.workspace,),
        "credentials": ApiKey(simulator.auth.client_id, Secret(simulator.auth.client_secret)),
        "concurrency": 2,
        **changes,
    }
    return Settings(**values)
