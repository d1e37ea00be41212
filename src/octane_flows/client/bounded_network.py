"""Connections on which no request is endless: a deadline, and a bound of the bytes that arrive.

A timeout of httpx is the pause between two bytes, so a server that sends a byte a second would
never end. Every read and write here takes what is left of the request's time, and every byte that
arrives is counted, those of headers and of interim responses (103) too. `transport` uses it.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpcore

__all__ = ["Allowance", "BoundedNetwork", "TooManyBytesError"]

WRITE_CHUNK: Final = 65_536  # bytes that are written between two looks at the clock


class TooManyBytesError(Exception):
    """More bytes of a response arrived than it may have."""


@dataclass
class Allowance:
    """What is left to one request: the time (monotonic) until which it runs, and bytes."""

    deadline: float
    bytes_left: int

    def seconds(self, timeout: float | None) -> float:
        """What a step may take that has a time-out of its own. Raises ReadTimeout at the end."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the request's time is used up")
        return left if timeout is None else min(timeout, left)

    def take(self, count: int) -> None:
        """Count bytes that arrived. Raises TooManyBytesError."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise TooManyBytesError


class BoundedNetwork(httpcore.NetworkBackend):
    """The network of `inner`, with the allowance of the request that the thread is sending."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner
        self._local = threading.local()

    @contextmanager
    def request(self, seconds: float, most_bytes: int) -> Iterator[Allowance]:
        """Within it, the requests of this thread have this allowance."""
        allowance = Allowance(time.monotonic() + seconds, most_bytes)
        self._local.allowance = allowance
        try:
            yield allowance
        finally:
            self._local.allowance = None

    def allowance(self) -> Allowance | None:
        """The allowance of the request that this thread is sending."""
        allowance: Allowance | None = getattr(self._local, "allowance", None)
        return allowance

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection whose reads and writes are bounded."""
        allowance = self.allowance()
        return _BoundedStream(
            self._inner.connect_tcp(
                host,
                port,
                timeout=timeout if allowance is None else allowance.seconds(timeout),
                local_address=local_address,
                socket_options=socket_options,
            ),
            self,
        )

    def sleep(self, seconds: float) -> None:
        """Wait between attempts to connect."""
        self._inner.sleep(seconds)


class _BoundedStream(httpcore.NetworkStream):
    """One connection; one request at a time uses it, in the thread that sends the request."""

    def __init__(self, inner: httpcore.NetworkStream, network: BoundedNetwork) -> None:
        self._inner = inner
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        allowance = self._network.allowance()
        if allowance is None:
            return self._inner.read(max_bytes, timeout=timeout)
        data = self._inner.read(max_bytes, timeout=allowance.seconds(timeout))
        allowance.take(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        allowance = self._network.allowance()
        for start in range(0, len(buffer), WRITE_CHUNK):
            left = timeout if allowance is None else allowance.seconds(timeout)
            self._inner.write(buffer[start : start + WRITE_CHUNK], timeout=left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        allowance = self._network.allowance()
        left = timeout if allowance is None else allowance.seconds(timeout)
        return _BoundedStream(
            self._inner.start_tls(ssl_context, server_hostname=server_hostname, timeout=left),
            self._network,
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
