"""Why no whole response came, told by what it is; bodies unpacked within a bound."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
import zlib

import httpx
import pytest

from octane_flows.client.content_decoding import (
    CutBodyError,
    TooLargeError,
    UnknownEncodingError,
    read_body,
)
from octane_flows.client.response import unreachable_error
from octane_flows.client.transport import HttpTransport, Request
from octane_flows.client.transport_faults import TransportError, fault_of
from octane_flows.config import load_settings


def certificate_error(code: int) -> ssl.SSLError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code = code
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError("handshake")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("cause", "words", "remedy"),
    [
        (certificate_error(20), "an authority that is not known", "OCTANE_CA_FILE"),
        (certificate_error(62), "for another host name", "the host name that the certificate"),
        (certificate_error(64), "for another host name", "the host name that the certificate"),
        (certificate_error(10), "expired", "clock"),
        (tls_error("WRONG_VERSION_NUMBER"), "does not speak TLS", "the port in OCTANE_URL"),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), "share no TLS", "TLS 1.2"),
        (ConnectionRefusedError(), "the connection is refused", "OCTANE_URL"),
        (socket.gaierror(), "the host name cannot be resolved", "OCTANE_URL"),
        (OSError(errno.EMFILE, "Too many"), "no more open files", "ulimit -n"),
        (TimeoutError(), "no connection", "OCTANE_URL"),
    ],
)
def test_a_failure_to_connect_is_told_with_the_remedy_that_helps(
    cause: Exception, words: str, remedy: str
) -> None:
    error = httpx.ConnectError("canary-secret")
    error.__cause__ = cause

    fault = fault_of(error, has_proxy=False)
    message = str(unreachable_error(fault, "reading defects", "octane.example"))

    assert words in message
    assert remedy in message
    assert ("OCTANE_CA_FILE" in message) == (remedy == "OCTANE_CA_FILE")
    assert "canary" not in message
    assert not fault.sent


def test_a_proxy_that_refuses_is_not_the_server() -> None:
    error = httpx.ConnectError("")
    error.__cause__ = ConnectionRefusedError()

    for fault in (
        fault_of(error, has_proxy=True),
        fault_of(httpx.ProxyError("407 Proxy Authentication Required"), has_proxy=True),
    ):
        message = str(unreachable_error(fault, "reading defects", "octane.example"))
        assert "failed on the way to octane.example: the proxy" in message
        assert "OCTANE_PROXY" in message
        assert "OCTANE_URL" not in message


def test_what_is_not_http_is_told_as_that() -> None:
    error = httpx.RemoteProtocolError("illegal status line: bytearray(b'canary')")
    message = str(unreachable_error(fault_of(error, has_proxy=False), "reading", "octane.example"))
    assert "not HTTP" in message
    assert "the scheme (http or https) of OCTANE_URL" in message
    assert "canary" not in message


@pytest.mark.parametrize(
    "text",
    [
        "<title>400 The plain HTTP request was sent to HTTPS port</title>",
        "Client sent an HTTP request to an HTTPS server.",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        "Bad Request This combination of host and port requires TLS.",
    ],
)
def test_a_port_that_asks_for_tls_is_no_matter_of_credentials(text: str) -> None:
    def network(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, text=text)

    settings = load_settings(
        {
            "OCTANE_URL": "http://127.0.0.1:8443",
            "OCTANE_SHARED_SPACE": "1001",
            "OCTANE_CLIENT_ID": "reader",
            "OCTANE_CLIENT_SECRET": "canary-secret",
        }
    )
    transport = HttpTransport(settings, mount=httpx.MockTransport(network))
    with pytest.raises(TransportError) as caught:
        transport.send(Request("GET", "http://127.0.0.1:8443/"))
    message = str(unreachable_error(caught.value, "signing in", "127.0.0.1:8443"))
    assert message.endswith("this port speaks TLS; write https:// in OCTANE_URL.")
    assert transport.send(Request("GET", "https://127.0.0.1:8443/")).status == 400


def test_no_response_without_tls_may_be_a_port_with_tls() -> None:
    error = httpx.RemoteProtocolError("Server disconnected without sending a response.")

    plain = fault_of(error, has_proxy=False, may_need_tls=True)
    assert "write https:// in OCTANE_URL if this port" in str(unreachable_error(plain, "x", "y"))
    assert fault_of(error, has_proxy=False).kind == "cut"


BODY = b'{"data":[]}' * 1000


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("GZip ", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("gzip", gzip.compress(BODY[:100]) + gzip.compress(BODY[100:])),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_body_is_unpacked_however_it_arrives(encoding: str, packed: bytes, size: int) -> None:
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert read_body(chunks, encoding, len(BODY)) == BODY
    with pytest.raises(TooLargeError):
        read_body(chunks, encoding, len(BODY) - 1)


def test_a_body_of_megabytes_in_few_bytes_is_whole() -> None:
    body = b"0" * 5_000_001
    assert read_body([gzip.compress(body, mtime=0)], "gzip", len(body)) == body


@pytest.mark.parametrize("packed", [gzip.compress(BODY, mtime=0)[:-9], b"not packed", b"\x1f\x8b"])
def test_a_packed_body_that_is_cut_or_damaged_is_not_taken(packed: bytes) -> None:
    with pytest.raises(CutBodyError):
        read_body([packed], "gzip", 1_000_000)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "canary"])
def test_an_encoding_that_nobody_asked_for_is_not_unpacked(encoding: str) -> None:
    with pytest.raises(UnknownEncodingError):
        read_body([b""], encoding, 1)
