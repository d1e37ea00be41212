"""A server of raw sockets: whatever bytes a case gives are sent as they are.

It shares nothing with the simulator or with any HTTP library, because it must be able to say what
no library would. One connection carries one request.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

#: Bytes, or parts that are sent one after the other; an empty part resets the connection.
Answer = bytes | Iterable[bytes]
Respond = Callable[["RawRequest"], Answer]
RESET: Final = b""
GIVE_UP_S: Final = 10.0  # a client that is silent for so long has gone


@dataclass(frozen=True)
class RawRequest:
    """What the client sent."""

    method: str
    path: str
    parameters: dict[str, str]
    body: bytes


def answer(
    body: Any = b"", status: int | str = 200, *headers: str, kind: str = "application/json"
) -> bytes:
    """A correct HTTP answer; a body that is no bytes is written as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


class RawServer:
    """Answers by `respond`, which a test may replace; `requests` counts what came."""

    def __init__(self) -> None:
        self.respond: Respond = lambda _: answer({}, 404)
        self.requests: list[RawRequest] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(GIVE_UP_S)
        with connection, suppress(OSError, ValueError, IndexError):
            request = _read(connection)
            self.requests.append(request)
            reply = self.respond(request)
            for part in (reply,) if isinstance(reply, bytes) else reply:
                if part == RESET:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass


def _read(connection: socket.socket) -> RawRequest:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            raise ValueError("the client has gone")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65_536)
    parts = urlsplit(target)
    parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return RawRequest(method, parts.path, parameters, body)


@contextmanager
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    try:
        yield server
    finally:
        server.close()
