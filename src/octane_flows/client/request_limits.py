"""What a site allows: so many requests a second, so many a run or a day, none in quiet hours.

`session` takes a place before each request. Waiting is done here; a limit that ends the run raises
PausedError. Several processes can share one pace and one number of requests a day: a Redis database
then reserves the places in one step, by its own clock, so that no two processes get the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

from octane_flows.config import BudgetPlace, QuietHours, Settings
from octane_flows.errors import PausedError, UnavailableError, UsageError

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Clock", "Limits", "SharedBudget"]

TIMEOUT_S: Final = 5.0  # the database answers in a millisecond, so a long silence is a fault
#: Places are microseconds of the database's clock. Gives the wait, or -1 when the day is used up.
RESERVE: Final = """
local clock = redis.call('time')
local now = clock[1] * 1000000 + clock[2]
local interval, most = tonumber(ARGV[1]), tonumber(ARGV[2])
if most > 0 then
    local day = KEYS[1] .. ':day:' .. math.floor(clock[1] / 86400)
    if tonumber(redis.call('get', day) or '0') >= most then return -1 end
    redis.call('incr', day)
    redis.call('expire', day, 172800)
end
local place = math.max(now, tonumber(redis.call('get', KEYS[1]) or '0'))
redis.call('set', KEYS[1], string.format('%.0f', place + interval), 'ex', 172800)
return place - now
"""


class Clock(Protocol):
    """What the limits use of the session's timing."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Wait so many seconds."""

    @property
    def monotonic(self) -> Callable[[], float]:
        """Seconds on a clock that nobody sets."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The time of day."""


class Budget(Protocol):
    """A pace that is shared with other processes."""

    def reserve(self) -> float:
        """Reserve the next place, and give the seconds until then."""


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
        self._budget = budget  # shared pace; replaces the pace of this process
        self._reserved = 0
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
        """The pace alone, for the requests of commands other than the extract."""
        return cls(requests_per_second=settings.requests_per_second, budget=_shared(settings, None))

    def reserve(self, clock: Clock) -> float:
        """Wait for the next place, and give the seconds of the wait. Raises PausedError."""
        with self._lock:
            self._require_no_quiet_hours(clock.now())
            if self._max_requests is not None and self._reserved >= self._max_requests:
                raise PausedError(
                    f"The {self._max_requests} requests that OCTANE_MAX_REQUESTS allows a run are "
                    "used up, so the extract stops here; run it again to go on, or allow more."
                )
            self._reserved += 1
            wait = self._own_wait(clock) if self._budget is None else 0.0
        if self._budget is not None:
            wait = self._budget.reserve()
        if wait > 0:
            clock.sleep(wait)
        return wait

    def _own_wait(self, clock: Clock) -> float:
        now = clock.monotonic()
        place = now if self._next is None else max(now, self._next)
        self._next = place + self._interval_s
        return place - now

    def _require_no_quiet_hours(self, now: datetime) -> None:
        quiet = self._quiet_hours
        end = quiet.until(now) if quiet is not None else None
        if end is not None:
            stops = "stops here" if self._reserved else "does not start"
            raise PausedError(
                f"These are quiet hours (OCTANE_QUIET_HOURS: {quiet}), so the extract {stops}; "
                f"run it again after {end:%A %H:%M}."
            )


class SharedBudget:
    """The shared pace of one server and shared space; safe between threads and processes."""

    def __init__(
        self,
        place: BudgetPlace,
        key: str,
        *,
        requests_per_second: float | None = None,
        per_day: int | None = None,
    ) -> None:
        self._place = place
        self._key = f"octane-flows:{key}"
        self._interval_us = round(1e6 / requests_per_second) if requests_per_second else 0
        self._per_day = per_day or 0
        self._connected: Redis | None = None

    def reserve(self) -> float:
        """Reserve the next place, and give the seconds until then.

        Raises PausedError when the day's requests are used up, and UnavailableError when the
        database does not answer.
        """
        client = self._client()
        from redis import RedisError

        try:
            wait = client.eval(RESERVE, 1, self._key, str(self._interval_us), str(self._per_day))
        except (RedisError, OSError) as error:
            raise UnavailableError(
                f"The request budget at {self._place.label} gave no answer "
                f"({type(error).__name__}), and without it no request is sent to the server; "
                "start that Redis server, or correct OCTANE_BUDGET or unset it."
            ) from None
        if int(wait) < 0:
            raise PausedError(
                f"The {self._per_day} requests that OCTANE_MAX_REQUESTS_PER_DAY allows all "
                "processes together are used up, so the extract stops here; run it again after "
                "midnight UTC to go on, or allow more."
            )
        return int(wait) / 1e6

    def _client(self) -> Redis:
        if self._connected is None:
            try:
                from redis import Redis
            except ImportError:
                raise UsageError(
                    "A shared request budget needs the package redis; install "
                    "octane-flows[distributed], or unset OCTANE_BUDGET."
                ) from None
            self._connected = Redis.from_url(
                self._place.address.reveal(),
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
            )
        return self._connected


def _shared(settings: Settings, per_day: int | None) -> SharedBudget | None:
    if settings.budget is None:
        return None
    return SharedBudget(
        settings.budget,
        f"{settings.url}:{settings.shared_space}",
        requests_per_second=settings.requests_per_second,
        per_day=per_day,
    )
