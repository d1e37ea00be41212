"""The server's clock: it runs, or stands still at a chosen time.

In: datetimes from tests, the control endpoint or the demo. Out: the current time in whole seconds.
Read by the store for stamps and by the HTTP layer for the `Date` header.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

__all__ = ["Clock", "iso"]


# How far the stamps of the current request lie before now: see Clock.backdated.
_behind: ContextVar[timedelta] = ContextVar("_behind", default=timedelta())


def iso(moment: datetime) -> str:
    """ISO text in UTC with whole seconds and Z, the way the server writes dates."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """A settable clock; frozen as soon as a start time is given, running otherwise."""

    def __init__(self, start: datetime | None = None, *, frozen: bool | None = None) -> None:
        self._frozen_at: datetime | None = None
        self._offset = timedelta()
        if start is not None:
            self.set(start, frozen=True if frozen is None else frozen)

    def now(self) -> datetime:
        """The current time, aware, in UTC, without fractions of a second."""
        moment = self._frozen_at or datetime.fromtimestamp(time.time(), UTC) + self._offset
        return (moment - _behind.get()).replace(microsecond=0)

    @contextmanager
    def backdated(self, seconds: float) -> Iterator[None]:
        """Show this thread an earlier time within the block, for a write that is committed late."""
        token = _behind.set(timedelta(seconds=seconds))
        try:
            yield
        finally:
            _behind.reset(token)

    def set(self, moment: datetime, *, frozen: bool = True) -> None:
        """Go to a time; stand still there unless `frozen` is false."""
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if frozen:
            self._frozen_at = moment
        else:
            self._frozen_at = None
            self._offset = moment - datetime.fromtimestamp(time.time(), UTC)

    def run(self) -> None:
        """Go on running from the current time."""
        self.set(self.now(), frozen=False)

    def advance(self, delta: timedelta | float) -> datetime:
        """Move forward by a timedelta or a number of seconds; frozen stays frozen."""
        step = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        self.set(self.now() + step, frozen=self.frozen)
        return self.now()

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen_at is not None

    def http_date(self, skew: float = 0.0) -> str:
        """The time as an HTTP header value, some seconds ahead of the rows' stamps."""
        return format_datetime(self.now() + timedelta(seconds=skew), usegmt=True)
