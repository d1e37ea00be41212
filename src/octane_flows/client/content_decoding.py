"""The body of a response, unpacked within a bound of bytes. Pure.

The chunks as they arrive and their Content-Encoding in, the plain bytes out. A few kilobytes of
gzip can hold gigabytes, so the unpacking stops at the bound and not at the end. `transport` calls
it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Final

__all__ = ["CutBodyError", "TooLargeError", "UnknownEncodingError", "read_body"]

PLAIN: Final = ("", "identity")
GZIP: Final = ("gzip", "x-gzip")
EITHER_HEADER: Final = zlib.MAX_WBITS | 32  # gzip and zlib headers are both recognised
STEP_BYTES: Final = 1 << 20  # unpacked at once
LARGE_BYTES: Final = 16 << 20  # ordinary pages have one or two million bytes


class TooLargeError(Exception):
    """The plain body has more bytes than it may have."""


class CutBodyError(Exception):
    """The packed body ends too early or is damaged."""


class UnknownEncodingError(Exception):
    """The body is packed in a way that was not asked for."""


def read_body(
    chunks: Iterable[bytes],
    encoding: str,
    most_bytes: int,
    *,
    on_large: Callable[[], None] = lambda: None,
) -> bytes:
    """The plain bytes of a body. Raises one of the three errors above.

    `on_large` is called once, when the body turns out to be larger than `LARGE_BYTES`.
    """
    kind = encoding.strip().lower()
    if kind not in (*PLAIN, *GZIP, "deflate"):
        raise UnknownEncodingError(kind)
    body, size = BytesIO(), 0  # its value is taken without a copy
    try:
        for part in chunks if kind in PLAIN else _unpacked(chunks):
            if size <= LARGE_BYTES < size + len(part):
                on_large()
            size += len(part)
            if size > most_bytes:
                raise TooLargeError
            body.write(part)
    except BaseException:
        body.close()  # an error keeps this frame alive, and must not keep the bytes
        raise
    return body.getvalue()


def _unpacked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The plain bytes of a gzip or zlib stream, which may have several members."""
    decoder = zlib.decompressobj(EITHER_HEADER)
    has_data = False
    try:
        for chunk in chunks:
            data = chunk
            while data:
                has_data = True
                if decoder.eof:
                    decoder = zlib.decompressobj(EITHER_HEADER)
                yield decoder.decompress(data, STEP_BYTES)
                data = decoder.unconsumed_tail or decoder.unused_data
        yield decoder.flush()
    except zlib.error:
        raise CutBodyError from None
    if has_data and not decoder.eof:
        raise CutBodyError
