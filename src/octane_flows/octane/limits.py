"""What a site allows: so many requests a second, so many a run, none in quiet hours.

`session` takes a place before each request is sent; waiting is done here, and a limit that ends the
run raises PausedError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from octane_flows.config import QuietHours, Settings
from octane_flows.errors import PausedError

__all__ = ["Clock", "Limits"]


class Clock(Protocol):
    """What the limits need of the session's timing."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Wait so many seconds."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds on a clock that is never set."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The time of day."""


class Limits:
    """The limits of one run; safe between threads. None means no limit."""

    def __init__(
        self,
        *,
        requests_per_second: float | None = None,
        max_requests: int | None = None,
        quiet_hours: QuietHours | None = None,
    ) -> None:
        self._interval_s = 0.0 if requests_per_second is None else 1 / requests_per_second
        self._max_requests = max_requests
        self._quiet_hours = quiet_hours
        self._taken = 0
        self._next: float | None = None
        self._lock = threading.Lock()

    @classmethod
    def of_extract(cls, settings: Settings) -> Limits:
        """All limits of the settings; requests of a person's own commands keep the pace alone."""
        return cls(
            requests_per_second=settings.requests_per_second,
            max_requests=settings.max_requests,
            quiet_hours=settings.quiet_hours,
        )

    def take(self, clock: Clock) -> float:
        """Wait for the next place; gives the seconds waited. Raises PausedError."""
        with self._lock:
            self._require_quiet_hours_are_over(clock.now())
            if self._max_requests is not None and self._taken >= self._max_requests:
                raise PausedError(
                    f"The {self._max_requests} requests that OCTANE_MAX_REQUESTS allows a run are "
                    "used up, so the extract stops here; run it again to go on, or allow more."
                )
            self._taken += 1
            now = clock.monotonic()
            place = now if self._next is None else max(now, self._next)
            self._next = place + self._interval_s
        wait = place - now
        if wait > 0:
            clock.sleep(wait)
        return wait

    def _require_quiet_hours_are_over(self, now: datetime) -> None:
        quiet = self._quiet_hours
        end = quiet.until(now) if quiet is not None else None
        if end is not None:
            stops = "stops here" if self._taken else "does not start"
            raise PausedError(
                f"These are quiet hours (OCTANE_QUIET_HOURS: {quiet}), so the extract {stops}; "
                f"run it again after {end:%A %H:%M}."
            )
