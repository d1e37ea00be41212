"""What a site allows: so many requests a second, so many a run or day, none in quiet hours.

`session` takes a place before each request is sent; waiting is done here, and a limit that ends the
run raises PausedError. Pace and day may be shared with other processes (`budget`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from octane_flows.client.budget import SharedBudget
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


class Budget(Protocol):
    """A pace that is shared with other processes."""

    def take(self) -> float:
        """Reserve the next place; gives the seconds until then."""


class Limits:
    """The limits of one run; safe between threads. None means no limit."""

    def __init__(
        self,
        *,
        requests_per_second: float | None = None,
        max_requests: int | None = None,
        quiet_hours: QuietHours | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._interval_s = 0.0 if requests_per_second is None else 1 / requests_per_second
        self._max_requests = max_requests
        self._quiet_hours = quiet_hours
        self._budget = budget  # takes the place of the pace of one's own
        self._taken = 0
        self._next: float | None = None
        self._lock = threading.Lock()

    @classmethod
    def of_extract(cls, settings: Settings) -> Limits:
        """All limits of the settings."""
        return cls(
            requests_per_second=settings.requests_per_second,
            max_requests=settings.max_requests,
            quiet_hours=settings.quiet_hours,
            budget=_shared(settings, settings.max_requests_per_day),
        )

    @classmethod
    def of_commands(cls, settings: Settings) -> Limits:
        """The pace alone, for requests of a person's own commands."""
        return cls(requests_per_second=settings.requests_per_second, budget=_shared(settings, None))

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
            wait = self._own_wait(clock) if self._budget is None else 0.0
        if self._budget is not None:
            wait = self._budget.take()
        if wait > 0:
            clock.sleep(wait)
        return wait

    def _own_wait(self, clock: Clock) -> float:
        now = clock.monotonic()
        place = now if self._next is None else max(now, self._next)
        self._next = place + self._interval_s
        return place - now

    def _require_quiet_hours_are_over(self, now: datetime) -> None:
        quiet = self._quiet_hours
        end = quiet.until(now) if quiet is not None else None
        if end is not None:
            stops = "stops here" if self._taken else "does not start"
            raise PausedError(
                f"These are quiet hours (OCTANE_QUIET_HOURS: {quiet}), so the extract {stops}; "
                f"run it again after {end:%A %H:%M}."
            )


def _shared(settings: Settings, per_day: int | None) -> SharedBudget | None:
    if settings.budget is None:
        return None
    return SharedBudget(
        settings.budget,
        f"{settings.url}:{settings.shared_space}",
        requests_per_second=settings.requests_per_second,
        per_day=per_day,
    )
