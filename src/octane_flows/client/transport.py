"""The pooled HTTP client: a request in, a whole response or a TransportError out.

Only it, `transport_faults` and `bounded_network` use httpx and its httpcore. It does not depend on
Octane; `session` calls it from several
threads. It follows no redirects, keeps no cookies, and takes proxies from the settings alone. Every
request has a deadline, and every response a bound of bytes.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Final, Protocol

import httpcore
import httpx

from octane_flows import __version__
from octane_flows.client.bounded_network import Allowance, BoundedNetwork, TooManyBytesError
from octane_flows.client.content_decoding import (
    CutBodyError,
    TooLargeError,
    UnknownEncodingError,
    read_body,
)
from octane_flows.client.large_bodies import give_up_room, large_body_room, wait_for_room
from octane_flows.client.transport_faults import Kind, TransportError, asks_for_tls, fault_of
from octane_flows.config import Settings
from octane_flows.errors import UsageError

__all__ = ["HttpTransport", "Kind", "Request", "Response", "Transport", "TransportError"]

CONNECT_TIMEOUT_S: Final = 15.0  # a host that needs longer to accept is taken to be down
POOL_TIMEOUT_S: Final = 300.0  # the pool has room for all requests, so a wait means slow responses
KEEPALIVE_S: Final = 30.0  # shorter than the idle limits of common proxies
USER_AGENT: Final = f"octane-flows/{__version__}"  # tells the administrator who sends the requests

MAX_HEAD_BYTES: Final = 1 << 20  # headers and interim responses; servers send a few thousand
#: Of one body, as it comes and unpacked. Twice the largest memo that must be readable, and little
#: enough that no response fills the memory of a small machine.
MAX_BODY_BYTES: Final = 128 << 20


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
        self._timeout_s = settings.timeout_s
        self._has_proxy = settings.proxy is not None
        limits = httpx.Limits(
            max_connections=settings.concurrency + 1,  # one more for a sign-in
            max_keepalive_connections=settings.concurrency + 1,
            keepalive_expiry=KEEPALIVE_S,
        )
        context = _ssl_context(settings)
        try:
            network = mount or httpx.HTTPTransport(
                verify=context, proxy=settings.proxy, limits=limits, trust_env=False
            )
        except (httpx.InvalidURL, ValueError):
            raise UsageError(  # the address may contain a password, so it is not repeated
                "OCTANE_PROXY is not a proxy address; give it as http://host:port."
            ) from None
        self._bounds = _bounded(network)
        self._client = httpx.Client(
            transport=network,
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": USER_AGENT,
                "Accept-Encoding": "gzip",
            },
            event_hooks={"response": [_drop_place]},
            timeout=httpx.Timeout(
                settings.timeout_s,
                connect=min(CONNECT_TIMEOUT_S, settings.timeout_s),
                pool=POOL_TIMEOUT_S,
            ),
        )
        # The session keeps the cookies itself; the jar stays empty.
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: Request) -> Response:
        """Send the request and read the whole response. Raises TransportError."""
        started = time.perf_counter()
        is_plain, has_begun = request.url.startswith("http://"), False
        try:
            with (
                large_body_room(),
                self._bounds.request(self._timeout_s, MAX_HEAD_BYTES) as allowance,
            ):
                response = self._client.send(self._outgoing(request), stream=True)
                has_begun = True
                allowance.bytes_left = MAX_BODY_BYTES
                try:
                    body = self._body(response, allowance)
                except BaseException:
                    give_up_room()
                    raise
                finally:
                    response.close()
        except (TooManyBytesError, TooLargeError):
            raise TransportError(
                "too_large",
                f"the answer is larger than {MAX_BODY_BYTES >> 20} MB",
                sent=True,
            ) from None
        except CutBodyError:
            raise TransportError("cut", "the packed answer is damaged or cut", sent=True) from None
        except UnknownEncodingError as error:
            raise TransportError(
                "other", f"the answer is packed as {str(error)[:20]!r}, not as gzip", sent=True
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            raise fault_of(
                error, has_proxy=self._has_proxy, may_need_tls=is_plain and not has_begun
            ) from None
        if is_plain and asks_for_tls(response.status_code, body):
            raise TransportError("needs_tls", "this port speaks TLS", sent=False)
        return _whole_response(response, body, time.perf_counter() - started)

    def _body(self, response: httpx.Response, allowance: Allowance) -> bytes:
        if response.is_stream_consumed:  # a transport of the tests, which gives whole responses
            return response.content
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and (len(declared) > 18 or int(declared) > MAX_BODY_BYTES):
            raise TooLargeError
        encoding = response.headers.get("content-encoding", "")

        def wait() -> None:
            allowance.deadline += wait_for_room()  # not the server's time

        return read_body(response.iter_raw(), encoding, MAX_BODY_BYTES, on_large=wait)

    def _outgoing(self, request: Request) -> httpx.Request:
        # Latin-1 keeps every byte that a cookie of the server had.
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.items()
        ]
        return self._client.build_request(
            request.method, request.url, headers=headers, content=request.body
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _drop_place(response: httpx.Response) -> None:
    """Forget where an answer redirects to: httpx would fail at an odd address before it is told."""
    response.headers.pop("location", None)


def _bounded(network: httpx.BaseTransport) -> BoundedNetwork:
    """The bounds of a transport's connections; a transport without a pool has no connections."""
    pool = getattr(network, "_pool", None)
    bounds = BoundedNetwork(getattr(pool, "_network_backend", None) or httpcore.SyncBackend())
    if pool is not None:
        # httpx has no option for the backend of its pool; the tests of the deadline hold this line
        pool._network_backend = bounds
    return bounds


def _whole_response(response: httpx.Response, body: bytes, elapsed_s: float) -> Response:
    received = response.num_bytes_downloaded or len(body)
    declared = response.headers.get("content-length", "")
    without_body = response.status_code in (204, 304)  # these may still declare a length
    if not without_body and declared.isdecimal() and received < int(declared[:18]):
        raise TransportError(
            "cut", f"{received} of {declared} bytes of the response arrived", sent=True
        )
    return Response(
        status=response.status_code,
        headers=tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response.headers.raw
        ),
        body=body,
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
