"""Why no whole response came: an error of the network library in, a TransportError out. Pure.

`transport` calls it. Only the kind of the error is told: texts of the library may quote headers.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import httpx

__all__ = ["Kind", "TransportError", "asks_for_tls", "fault_of"]

Kind: TypeAlias = Literal[
    "connect",
    "tls",  # the certificate is of an authority that this machine does not know
    "host_name",  # the certificate is valid, for another name
    "expired",
    "not_tls",
    "needs_tls",
    "maybe_tls",  # no response at all without TLS, as ports with TLS have it
    "tls_version",
    "proxy",
    "files",  # this machine lets the process open no more files and connections
    "timeout",
    "too_large",
    "not_http",
    "cut",
    "other",
]

#: OpenSSL's X509_V_ERR_* numbers.
EXPIRED_CODES: Final = frozenset({9, 10})
HOST_NAME_CODES: Final = frozenset({62, 64})
TLS_VERSION_REASONS: Final = (
    "PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "NO_SHARED_CIPHER",
    "HANDSHAKE_FAILURE",
    "INSUFFICIENT_SECURITY",
)
NOT_TLS_REASONS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER", "RECORD_TOO")
#: How servers and balancers answer a request without TLS at a port with TLS (status 400).
TLS_WANTED: Final = re.compile(
    rb"plain HTTP request was sent to HTTPS|HTTP request to an HTTPS|speaking plain HTTP|"
    rb"combination of host and port requires TLS",
    re.IGNORECASE,
)


class TransportError(Exception):
    """No whole response came; `sent` tells whether the server may have acted on the request."""

    def __init__(self, kind: Kind, detail: str, *, sent: bool) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Kind = kind
        self.detail = detail
        self.sent = sent


def asks_for_tls(status: int, body: bytes) -> bool:
    """Whether a response to a request without TLS says that the port speaks TLS."""
    return status == 400 and TLS_WANTED.search(body, 0, 65_536) is not None


def fault_of(error: Exception, *, has_proxy: bool, may_need_tls: bool = False) -> TransportError:
    """The kind and the words for an error of httpx or of the system.

    `may_need_tls`: the request went without TLS, and no response had begun.
    """
    causes = list(_causes(error))
    if any(getattr(cause, "errno", None) in (errno.EMFILE, errno.ENFILE) for cause in causes):
        return TransportError("files", "this machine allows no more open files", sent=False)
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return TransportError("connect", "the connection took too long", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return TransportError("timeout", "no whole answer came in time", sent=True)
    if isinstance(error, httpx.ProxyError):
        status = re.match(r"[45]\d\d", str(error))
        detail_text = (
            f"the proxy refused the connection (status {status[0]})"
            if status
            else ("the proxy refused the connection")
        )
        return TransportError("proxy", detail_text, sent=False)
    if isinstance(error, httpx.ConnectError):
        tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        if tls is not None:
            return _tls_fault(tls)
        where = "the proxy: " if has_proxy else ""
        return TransportError("proxy" if has_proxy else "connect", where + _why(causes), sent=False)
    if isinstance(error, httpx.RemoteProtocolError) and "illegal" in str(error).lower():
        return TransportError("not_http", "what came is not HTTP", sent=True)
    if may_need_tls and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return TransportError("maybe_tls", "the connection ended without a response", sent=True)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
        return TransportError("cut", "the connection ended within the response", sent=True)
    if isinstance(error, httpx.WriteError | httpx.CloseError):
        return TransportError("cut", "the connection ended within the request", sent=True)
    name = type(error).__name__
    return TransportError("other", f"the request could not be sent ({name})", sent=True)


def _tls_fault(error: ssl.SSLError) -> TransportError:
    code = getattr(error, "verify_code", None)
    if code in HOST_NAME_CODES:
        return TransportError(
            "host_name", "the server's certificate is for another host name", sent=False
        )
    if code in EXPIRED_CODES:
        return TransportError(
            "expired", "the server's certificate is expired or not valid yet", sent=False
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransportError(
            "tls",
            "the server's certificate is from an authority that is not known here",
            sent=False,
        )
    reason = (error.reason or str(error)).upper()
    if any(text in reason for text in TLS_VERSION_REASONS):
        return TransportError("tls_version", "the server and this machine share no TLS", sent=False)
    if any(text in reason for text in NOT_TLS_REASONS):
        return TransportError("not_tls", "the server does not speak TLS at this port", sent=False)
    return TransportError("tls_version", "the server ended the TLS handshake", sent=False)


def _why(causes: list[BaseException]) -> str:
    """Why no connection came about, from the errors of the system."""
    for cause in causes:
        if isinstance(cause, ConnectionRefusedError):
            return "the connection is refused"
        if isinstance(cause, socket.gaierror | UnicodeError):
            return "the host name cannot be resolved"
    return "no connection"


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
