"""The server's clock, as the `Date` headers of all its answers tell it.

Responses come in, the server's time and its distance from this machine's clock go out. `session`
adds each response; the extract takes no answer alone for the truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from octane_flows.client.transport import Response

__all__ = ["ServerClock", "http_date", "server_time_of"]

MAX_AGE_DIGITS: Final = 9  # a higher Age cannot be one


def server_time_of(response: Response) -> datetime | None:
    """When the server sent a response, in UTC; None when it has no usable `Date` header.

    A cache gives the `Date` of the original response, and its age in seconds (RFC 9111).
    """
    sent = http_date(response.header("date") or "")
    try:
        return sent and sent + timedelta(seconds=_age_s(response.header("age") or ""))
    except OverflowError:
        return None


def http_date(text: str) -> datetime | None:
    """The moment that a header names, in UTC; None when it names none."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _age_s(text: str) -> int:
    text = text.strip()
    usable = text.isascii() and text.isdecimal() and len(text) <= MAX_AGE_DIGITS
    return int(text) if usable else 0


class ServerClock:
    """How far the server's clock is ahead of this machine's; safe between threads.

    `lowest` and `highest` are those of all answers, None before the first one.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now  # this machine's clock
        self.lowest: timedelta | None = None
        self.highest: timedelta | None = None
        self._lock = threading.Lock()

    def observe(self, response: Response) -> None:
        """Add one response, as soon as it has arrived."""
        time = server_time_of(response)
        if time is None:
            return
        ahead = time - self.now()
        with self._lock:
            self.lowest = ahead if self.lowest is None else min(self.lowest, ahead)
            self.highest = ahead if self.highest is None else max(self.highest, ahead)
