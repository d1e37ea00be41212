"""The pooled HTTP client: a request in, a whole response or a TransportError out.

The only module that imports httpx. It does not depend on Octane; `session` calls it from several
threads. It follows no redirects, keeps no cookies, and takes proxies from the settings alone.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Final, Literal, Protocol, TypeAlias

import httpx

from octane_flows import __version__
from octane_flows.config import Settings
from octane_flows.errors import UsageError

__all__ = ["HttpTransport", "Request", "Response", "Transport", "TransportError"]

CONNECT_TIMEOUT_S: Final = 15.0  # a host that needs longer to accept is taken to be down
POOL_TIMEOUT_S: Final = 300.0  # the pool has room for all requests, so a wait means slow responses
KEEPALIVE_S: Final = 30.0  # shorter than the idle limits of common proxies
USER_AGENT: Final = f"octane-flows/{__version__}"  # tells the administrator who sends the requests

Kind: TypeAlias = Literal["connect", "tls", "proxy", "timeout", "cut", "other"]


class TransportError(Exception):
    """No whole response came; `sent` tells whether the server may have acted on the request."""

    def __init__(self, kind: Kind, detail: str, *, sent: bool) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Kind = kind
        self.detail = detail
        self.sent = sent


@dataclass(frozen=True)
class Request:
    """One request; `url` is whole and already encoded. Headers may carry secrets."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Response:
    """A whole response; header names are lower case. `wire_bytes` counts the body as received."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    elapsed_s: float = 0.0
    wire_bytes: int = 0

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def all(self, name: str) -> list[str]:
        """Every value of a header that may occur more than once."""
        return [value for key, value in self.headers if key == name.lower()]


class Transport(Protocol):
    """What the session needs of a transport."""

    def send(self, request: Request) -> Response:
        """Send the request and read the whole response. Raises TransportError."""

    def close(self) -> None:
        """Close every connection."""


class HttpTransport:
    """Sends over the network; `mount` replaces the network in tests."""

    def __init__(self, settings: Settings, *, mount: httpx.BaseTransport | None = None) -> None:
        # At level debug it logs headers, and session cookies are among them.
        logging.getLogger("httpcore").setLevel(logging.INFO)
        self._client = httpx.Client(
            transport=mount,
            verify=_ssl_context(settings),
            proxy=settings.proxy if mount is None else None,
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": USER_AGENT,
                "Accept-Encoding": "gzip",
            },  # httpx decodes it without other packages
            timeout=httpx.Timeout(
                settings.timeout_s,
                connect=min(CONNECT_TIMEOUT_S, settings.timeout_s),
                pool=POOL_TIMEOUT_S,
            ),
            limits=httpx.Limits(
                max_connections=settings.concurrency + 1,  # one more for a sign-in
                max_keepalive_connections=settings.concurrency + 1,
                keepalive_expiry=KEEPALIVE_S,
            ),
        )
        # The session keeps the cookies itself; the jar stays empty.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: Request) -> Response:
        """Send the request and read the whole response. Raises TransportError."""
        started = time.perf_counter()
        try:
            outgoing = self._client.build_request(
                request.method, request.url, headers=dict(request.headers), content=request.body
            )
            response = self._client.send(outgoing, stream=True)
            try:
                response.read()
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise _translate(error) from None
        return _whole_response(response, time.perf_counter() - started)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _whole_response(response: httpx.Response, elapsed_s: float) -> Response:
    received = response.num_bytes_downloaded or len(response.content)
    declared = response.headers.get("content-length", "")
    without_body = response.status_code in (204, 304)  # these may still declare a length
    if not without_body and declared.isdecimal() and received < int(declared):
        raise TransportError(
            "cut", f"{received} of {declared} bytes of the response arrived", sent=True
        )
    return Response(
        status=response.status_code,
        headers=tuple((key.lower(), value) for key, value in response.headers.multi_items()),
        body=response.content,
        elapsed_s=elapsed_s,
        wire_bytes=received,
    )


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """The system's certificates, and the company's when a file with them is set."""
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(settings.ca_file))
        except (ssl.SSLError, OSError):
            raise UsageError(
                f"OCTANE_CA_FILE names {settings.ca_file}, which holds no certificate that can be "
                "read; give a PEM file."
            ) from None
    return context


def _translate(error: Exception) -> TransportError:
    # Only the class of the error is shown: texts of the library may quote headers.
    name = type(error).__name__
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return TransportError("connect", "the connection took too long", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return TransportError("timeout", "no response in time", sent=True)
    if isinstance(error, httpx.ProxyError):
        return TransportError("proxy", "the proxy refused the connection", sent=False)
    if isinstance(error, httpx.ConnectError):
        text = str(error)
        if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
            return TransportError("tls", "the certificate or TLS version is refused", sent=False)
        return TransportError("connect", _connect_detail(text), sent=False)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
        return TransportError("cut", "the connection ended within the response", sent=True)
    if isinstance(error, httpx.WriteError | httpx.CloseError):
        return TransportError("cut", "the connection ended within the request", sent=True)
    return TransportError("other", f"the request could not be sent ({name})", sent=True)


def _connect_detail(text: str) -> str:
    lowered = text.lower()
    if "refused" in lowered:
        return "the connection is refused"
    if "name" in lowered or "getaddrinfo" in lowered or "nodename" in lowered:
        return "the host name cannot be resolved"
    return "no connection"
