"""How many rows a page is asked for: fewer after a time-out or an answer that was too large.

The most rows of the settings in, the rows of the next page out. `page_reader` keeps one for each
reading; its threads share it.
"""

from __future__ import annotations

import threading
from typing import Final

from octane_flows.errors import TimeOutError, UnavailableError

__all__ = ["PageSize"]

GROW_AFTER: Final = 8  # pages; so a size that fails costs one request of nine at most
LEAST_AFTER_TIME_OUT: Final = 10  # rows; a server that is too slow for these is not helped by less
DIVISOR: Final = 4  # each attempt may cost the whole time-out twice, so the steps are large


class PageSize:
    """The rows of the next page, from 1 to `most`; safe between threads."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._rows = most
        self._successes = 0
        self._lock = threading.Lock()

    @property
    def rows(self) -> int:
        """The rows to ask for now."""
        return self._rows

    @property
    def is_reduced(self) -> bool:
        """Whether pages have fewer rows than the settings allow."""
        return self._rows < self.most

    def shrink(self, failed: int, error: UnavailableError) -> bool:
        """Ask for fewer rows after a page of `failed` rows; False: it makes no sense to."""
        least = LEAST_AFTER_TIME_OUT if isinstance(error, TimeOutError) else 1
        with self._lock:
            self._successes = 0
            if failed <= least:
                return False
            # another thread may have made it smaller already
            self._rows = min(self._rows, max(least, failed // DIVISOR))
            return True

    def succeeded(self, rows: int) -> None:
        """Note a page of `rows` rows; after some of them, larger pages are tried again."""
        with self._lock:
            if rows != self._rows or self._rows == self.most:
                return
            self._successes += 1
            if self._successes >= GROW_AFTER:
                self._successes = 0
                self._rows = min(self.most, self._rows * 2)
