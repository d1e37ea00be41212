"""Answers that are hardly HTTP, and answers that would never end."""

from __future__ import annotations

import gzip
import itertools
import json
import time
import zlib
from collections.abc import Iterator

from tests.hostile.raw_server import RESET, Answer, RawRequest, answer
from tests.hostile.small_workspace import Route, defect, defects, now, page

BODY = json.dumps(page([defect()])).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ZEROS = gzip.compress(b"0" * (16 << 20))  # 16 MB in 16 kB


def head(*lines: bytes) -> bytes:
    return HEAD + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def chunked(*chunks: bytes) -> bytes:
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return head(b"Transfer-Encoding: chunked") + b"".join(parts)


def packed(body: bytes, encoding: bytes = b"gzip") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return head(b"Content-Encoding: " + encoding, length) + body


def dated(value: str) -> Route:
    return lambda _: answer({"version": "16.0"}, 200, f"Date: {value}")


#: Every page of defects is answered with these bytes.
BYTES: dict[str, bytes] = {
    "nothing": b"",
    "a blank line": b"\r\n\r\n",
    "zeros": b"\0" * 1000,
    "text": b"hello\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": BODY,
    "status a word": b"HTTP/1.1 OK\r\n\r\n",
    "status 000": b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n",
    "status 99999": b"HTTP/1.1 99999 X\r\n\r\n",
    "status 999": answer(b"", 999),
    "status 101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "a header without a colon": HEAD + b"nonsense\r\n\r\n" + BODY,
    "a header with a zero": HEAD + b"X: a\0b\r\n\r\n" + BODY,
    "a header name of bytes": HEAD + b"\xff\xfe: x\r\n\r\n" + BODY,
    "a header of a megabyte": HEAD + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n" + BODY,
    "headers without an end": HEAD + b"X: y\r\n" * 50_000,
    "a length below zero": head(b"Content-Length: -5") + BODY,
    "a length in words": head(b"Content-Length: many") + BODY,
    "a length of thousands of digits": head(b"Content-Length: " + b"9" * 5000) + BODY,
    "a length of terabytes": head(b"Content-Length: 9999999999999") + BODY,
    "two lengths": head(b"Content-Length: 1", b"Content-Length: 2") + BODY,
    "a body too short": head(b"Content-Length: 99999") + BODY,
    "a body cut by its length": head(b"Content-Length: 20") + BODY,
    "chunks without an end": chunked(BODY),
    "a chunk too short": head(b"Transfer-Encoding: chunked") + b"ffff\r\n" + BODY,
    "a chunk without a size": head(b"Transfer-Encoding: chunked") + b"zz\r\n" + BODY,
    "a chunk below zero": head(b"Transfer-Encoding: chunked") + b"-1\r\n" + BODY,
    "a chunk size of megabytes": head(b"Transfer-Encoding: chunked") + b"0" * 200_000,
    "chunks and a length": head(b"Transfer-Encoding: chunked", b"Content-Length: 5") + BODY,
    "another transfer": head(b"Transfer-Encoding: gzip") + BODY,
    "gzip cut": packed(gzip.compress(BODY)[:-9]),
    "gzip of noise": packed(b"noise" * 100),
    "gzip of half a header": packed(b"\x1f\x8b"),
    "gzip with another sum": packed(gzip.compress(BODY)[:-8] + b"\0" * 8),
    "gzip within gzip": packed(gzip.compress(gzip.compress(BODY)), b"gzip, gzip"),
    "gzip of gzip": packed(gzip.compress(gzip.compress(BODY))),
    "brotli": packed(b"\x8b\x03\x80", b"br"),
    "an unknown packing": packed(BODY, b"rot13"),
    "a packing of bytes": packed(BODY, b"\xff\xfe"),
    "2.5 GB in gzip": packed(ZEROS * 160),
    "a page of gzip": b"\x1f\x8b" + zlib.compress(BODY),
    "a redirect to itself": answer(b"", 302, "Location: /api/x"),
    "a redirect to a file": answer(b"", 301, "Location: file:///etc/passwd"),
    "a redirect without a place": answer(b"", 307),
    "a redirect to half a network address": answer(b"", 302, "Location: http://[::1/"),
    "a redirect to a script": answer(b"", 302, "Location: javascript:alert(1)"),
    "a redirect to bytes": answer(b"", 302, "Location: http://\xff.a/"),
    "a redirect to no port": answer(b"", 302, "Location: http://h:99999/"),
    "not modified": answer(b"", 304),
    "429 for no number": answer(b"", 429, "Retry-After: nan"),
    "no content": answer(b"", 204),
    "a part of it": answer(BODY, 206, "Content-Range: bytes 0-10/99999")[:-5],
    "414": answer(b"<html><title>Request-URI Too Large</title>", 414, kind="text/html"),
    "429 for an hour": answer(b"", 429, "Retry-After: 3600"),
    "429 for ever": answer(b"", 429, "Retry-After: " + "9" * 400),
    "429 below zero": answer(b"", 429, "Retry-After: -1"),
    "429 in other digits": answer(b"", 429, "Retry-After: \xb2\xb3"),
    "503 until 9999": answer(b"", 503, "Retry-After: Fri, 31 Dec 9999 23:59:59 -1200"),
    "503 until a word": answer(b"", 503, "Retry-After: soon"),
    "500": answer({"error_code": "platform.general_error"}, 500),
    "400": answer({"error_code": "platform.bad", "description": "No."}, 400),
    "404": answer(b"", 404),
    "407": answer(b"<html>Proxy", 407, kind="text/html"),
    "an error of a megabyte": answer(b"x" * 1_000_000, 400),
    "an error in Latin-1": answer("Größe nicht möglich".encode("latin-1"), 500, kind="text/plain"),
    "an error of escapes": answer({"description": "\x1b[2J\x07" * 100}, 400),
    "a deep error": answer(b'{"errors":[' * 50_000, 400),
    "an error with the secret": answer({"description": "canary-secret canary-session"}, 400),
    "an error of odd shape": answer({"error_code": {}, "description": [], "errors": [None]}, 400),
}
#: The same for the answers that date the extract.
DATES: dict[str, Route] = {
    name: dated(value)
    for name, value in {
        "empty": "",
        "a word": "yesterday",
        "a number": "0",
        "year 9999 far west": "Fri, 31 Dec 9999 23:59:59 -1200",
        "year 1": "Mon, 01 Jan 0001 00:00:00 +1400",
        "year 0": "Sat, 01 Jan 0000 00:00:00 GMT",
        "no month": "Fri, 31 Foo 2026 23:59:59 GMT",
        "hour 99": "Fri, 31 Jul 2026 99:59:59 GMT",
        "a huge zone": "Fri, 31 Jul 2026 23:59:59 +99999999",
        "bytes": "Fri, 31 J\xfcl 2026",
        "long": "9" * 50_000,
    }.items()
}
DATES["missing"] = lambda _: answer({"version": "16.0"})


def slowly(parts: Iterator[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield part
        time.sleep(0.1)


def silence() -> Iterator[bytes]:
    """The start of an answer, and then nothing for longer than the client waits."""
    yield b"HTTP/1.1 200"
    time.sleep(3)


def endless_random_gzip() -> Iterator[bytes]:
    packer = zlib.compressobj(0, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = bytes(range(256)) * 4096
    yield head(b"Content-Encoding: gzip")
    while True:
        yield packer.compress(block)


def once_more(_: RawRequest) -> Answer:
    return itertools.chain([head()], itertools.repeat(b" " * 65_536))


#: Answers that would never end, or that take far longer than a request may.
ENDLESS: dict[str, Route] = {
    "silence": lambda _: silence(),
    "a byte at a time in the status": lambda _: slowly(itertools.repeat(b"H")),
    "a byte at a time in the headers": lambda _: slowly(
        itertools.chain([HEAD], itertools.repeat(b"x"))
    ),
    "a byte at a time in the body": lambda _: slowly(
        itertools.chain([head()], itertools.repeat(b" "))
    ),
    "a byte at a time in a chunk size": lambda _: slowly(
        itertools.chain([head(b"Transfer-Encoding: chunked")], itertools.repeat(b"0"))
    ),
    "slow 103s": lambda _: slowly(itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    "103s": lambda _: itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "headers": lambda _: itertools.chain([HEAD], itertools.repeat(b"X: y\r\n" * 1000)),
    "one header": lambda _: itertools.chain([HEAD, b"X: "], itertools.repeat(b"y" * 10_000)),
    "a body of spaces": once_more,
    "a body of zeros": lambda _: itertools.chain([head()], itertools.repeat(b"\0" * 65_536)),
    "chunks": lambda _: itertools.chain(
        [head(b"Transfer-Encoding: chunked")],
        itertools.repeat(b"10000\r\n" + b" " * 65_536 + b"\r\n"),
    ),
    "small chunks": lambda _: itertools.chain(
        [head(b"Transfer-Encoding: chunked")], itertools.repeat(b"1\r\n \r\n" * 10_000)
    ),
    "a chunk extension": lambda _: itertools.chain(
        [head(b"Transfer-Encoding: chunked"), b"1;"], itertools.repeat(b"x" * 65_536)
    ),
    "trailers": lambda _: itertools.chain(
        [head(b"Transfer-Encoding: chunked"), b"0\r\n"], itertools.repeat(b"X: y\r\n" * 1000)
    ),
    "gzip": lambda _: endless_random_gzip(),
    "gzip of zeros": lambda _: itertools.chain(
        [head(b"Content-Encoding: gzip")], itertools.repeat(ZEROS)
    ),
    "resets": lambda _: [RESET],
    "resets within the body": lambda _: [head(b"Content-Length: 999"), BODY[:50], RESET],
}
#: Odd, but whole: the extract takes them and ends well.
GOOD: dict[str, Route] = {
    "two early hints": lambda request: (
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2 + defects(request)
    ),
    "HTTP/9.9": lambda _: b"HTTP/9.9 200 OK\r\n\r\n" + BODY,
    "chunks": lambda _: chunked(BODY[:10], BODY[10:], b""),
    "no length": lambda _: head() + BODY,
    "gzip": lambda _: packed(gzip.compress(BODY)),
    "gzip in two parts": lambda _: packed(gzip.compress(BODY[:50]) + gzip.compress(BODY[50:])),
    "deflate": lambda _: packed(zlib.compress(BODY), b"deflate"),
    "a cookie of bytes": lambda request: answer(
        BODY, 200, "Set-Cookie: LWSSO_COOKIE_KEY=gr\xf6\x80\xdfe; Path=/", now()
    ),
    "cookies without end": lambda _: answer(BODY, 200, *["Set-Cookie: a=b"] * 90),
    "an odd content type": lambda _: answer(BODY, kind="application/octet-stream"),
    "content type of bytes": lambda _: answer(BODY, kind="\xff\xfe"),
}
