"""What happens to every request before and after it is answered: sign-in, host, log, headers.

An ASGI application in, the guarded one out; `web_application` puts it around everything.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from octane_flows.config import ServePlace
from octane_flows.console import VISIBLE
from octane_flows.failure_report import report_failure

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
HEADERS: Final = {
    # pages bring their own style and form; nothing is loaded, and nobody may frame them
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
UNSIGNED: Final = (
    "This server needs a sign-in: a bearer token, or a login with its password. The one that was "
    "sent is wrong or missing; ask the administrator for OCTANE_SERVE_TOKEN or "
    "OCTANE_SERVE_PASSWORD."
)
FOREIGN_HOST: Final = (
    "Without a sign-in this server answers requests to localhost alone; open "
    "http://127.0.0.1:PORT/, or have OCTANE_SERVE_TOKEN set."
)


class RequestGuard:
    """Refuses whoever is not signed in, tells of each request, adds headers to each answer."""

    def __init__(self, app: ASGIApp, place: ServePlace, log: Callable[[str], None]) -> None:
        self.app = app
        self.place = place
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return  # no web sockets
        started = time.monotonic()
        status, size = 500, 0

        async def guarded_send(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            refusal = self._refusal(Headers(scope=scope))
            if refusal is None:
                await self.app(scope, receive, guarded_send)
            else:
                await _refuse(guarded_send, *refusal)
        except Exception as error:  # noqa: BLE001 - the answer, status 500, is already sent
            self.log(report_failure(error, os.environ, "this request has no answer"))
        finally:
            self.log(_line(scope, status, size, time.monotonic() - started))

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        if self.place.has_sign_in:
            return None if self._is_signed_in(headers.get("authorization", "")) else (401, UNSIGNED)
        # a page of the internet may have a name that leads to this machine, and must not read on
        name = (
            headers.get("host", "").rpartition("]")[0].strip("[")
            or (headers.get("host", "").partition(":")[0])
        )
        return None if name.lower() in LOCAL_NAMES else (403, FOREIGN_HOST)

    def _is_signed_in(self, authorization: str) -> bool:
        scheme, _, given = authorization.partition(" ")
        given = given.strip()
        if scheme.lower() == "bearer" and self.place.token is not None:
            return _same(given, self.place.token.reveal())
        if scheme.lower() != "basic":
            return False
        try:
            user, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return False
        if not colon:
            return False
        if self.place.password is not None and self.place.user is not None:
            is_user = _same(user, self.place.user)
            if _same(password, self.place.password.reveal()) and is_user:
                return True
        # programs that only know logins send the token as the password of any login
        return self.place.token is not None and _same(password, self.place.token.reveal())


def _same(given: str, secret: str) -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode(errors="replace"), secret.encode(errors="replace"))


async def _refuse(send: Send, status: int, sentence: str) -> None:
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers += [
            (b"www-authenticate", b'Basic realm="octane-flows", charset="UTF-8"'),
            (b"www-authenticate", b'Bearer realm="octane-flows"'),
        ]
    body = json.dumps({"error": {"code": str(status), "message": sentence}}).encode()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _line(scope: Scope, status: int, size: int, seconds: float) -> str:
    """One line of the log. Values of the query are left out, because they may name people."""
    client = scope["client"][0] if scope.get("client") else "-"
    query = scope["query_string"].decode("ascii", "replace")
    names = ",".join(part.partition("=")[0] for part in query.split("&") if part)
    path = scope["path"].partition("(")[0]
    text = f"{client} {scope['method']} {path}{f' ?{names}' if names else ''} {status} {size} bytes"
    return f"{text} {seconds * 1000:.0f} ms".replace("\n", "\\n").translate(VISIBLE)
