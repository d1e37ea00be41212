"""A real HTTP server around a simulator, for tests, `simulate` and `demo`.

In: a Simulator. Out: a running threaded server on the loopback interface that speaks HTTP/1.1 with
kept connections; `with serve(simulator) as running` stops it at the end.
"""

from __future__ import annotations

import io
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_to_bytes

from octane_simulator.simulator import Simulator

__all__ = ["Running", "serve"]


@dataclass(frozen=True)
class Running:
    """Where a served simulator is and how to sign in."""

    url: str
    simulator: Simulator

    @property
    def client_id(self) -> str:
        """The id of the API key."""
        return self.simulator.auth.client_id

    @property
    def client_secret(self) -> str:
        """The secret of the API key."""
        return self.simulator.auth.client_secret

    @property
    def user(self) -> str:
        """The login name."""
        return self.simulator.auth.user

    @property
    def password(self) -> str:
        """The password."""
        return self.simulator.auth.password

    @property
    def shared_space(self) -> str:
        """The id of the only shared space."""
        return self.simulator.shared_space

    @property
    def workspace(self) -> str:
        """The id of the readable workspace."""
        return self.simulator.workspace


class _Handler(BaseHTTPRequestHandler):
    """Bridges HTTP to WSGI; the body is read whole, so that connections can be kept."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        self.server.opened(self.request)
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.finished(self.request)

    def handle(self) -> None:
        with suppress(ConnectionError, ValueError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            content = self._chunks()
        else:
            content = self.rfile.read(length)
        environ = self._environ(content)
        status, headers = "", []

        def start_response(line: str, fields: list[tuple[str, str]], *_: Any) -> None:
            nonlocal status, headers
            status, headers = line, fields

        body = b"".join(self.server.simulator.wsgi(environ, start_response))
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        cut = environ.get("octane_flows.cut_body") and len(body) > 1
        if cut:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _chunks(self) -> bytes:
        """A body sent in chunks."""
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        skipped = {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"}
        for name, value in self.headers.items():
            key = "HTTP_" + name.upper().replace("-", "_")
            if key not in skipped:
                environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ


for _method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler._answer)


class _Server(ThreadingHTTPServer):
    """Remembers open connections, so that closing leaves none behind."""

    daemon_threads = True
    block_on_close = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def opened(self, connection: Any) -> None:
        with self._open_lock:
            self._open.add(connection)

    def finished(self, connection: Any) -> None:
        with self._open_lock:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news; anything else is a fault of the simulator."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serve(simulator: Simulator, port: int = 0) -> Iterator[Running]:
    """Serve on 127.0.0.1 (port 0: any free one) until the block ends."""
    server = _Server(("127.0.0.1", port), simulator)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{server.server_address[1]}", simulator)
    finally:
        server.shutdown()
        server.close_connections()
        server.server_close()
        thread.join()
