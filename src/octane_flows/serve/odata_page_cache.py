"""Pages that were read ahead, until the client asks for them.

Sorting a large table costs as much for one page as for five, so a client that reads on gets five at
once into this memory; `odata_answers` keeps and takes them. The oldest go when there are too many
bytes, and are then read again from the same generation.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

MOST_BYTES: Final = 256 << 20


class PageCache:
    """Bodies of responses by what they answer."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._pages: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0

    def put(self, key: Hashable, page: bytes) -> None:
        """Keep a page."""
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self._bytes += len(page)
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._pages)))

    def take(self, key: Hashable) -> bytes | None:
        """The page, which stays for a client that asks again after a broken connection."""
        with self._lock:
            return self._pages.get(key)

    def _drop(self, key: Hashable) -> None:
        page = self._pages.pop(key, None)
        self._bytes -= len(page or b"")
