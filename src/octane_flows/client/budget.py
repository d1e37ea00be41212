"""A pace and a number of requests a day that many processes share, kept in a Redis database.

`take` reserves the next place among those of all processes; `limits` calls it before each request.
Reserving is one step in the database, by the database's own clock, so that no two processes get
the same place. Without the database no request is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from octane_flows.config import BudgetPlace
from octane_flows.errors import PausedError, UnavailableError, UsageError

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["SharedBudget"]

PATIENCE_S: Final = 5.0  # the database answers in a millisecond; a longer silence is a fault
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


class SharedBudget:
    """The budget of one server and shared space; safe between threads and processes."""

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
        self._opened: Redis | None = None

    def take(self) -> float:
        """Reserve the next place; gives the seconds until then.

        Raises PausedError when the day's requests are used up, UnavailableError without an answer.
        """
        client = self._client()
        from redis import RedisError

        try:
            wait = client.eval(RESERVE, 1, self._key, str(self._interval_us), str(self._per_day))
        except (RedisError, OSError) as error:
            raise UnavailableError(
                f"The request budget at {self._place.label} gave no answer "
                f"({type(error).__name__}), and without it nothing is asked of the Octane server; "
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
        if self._opened is None:
            try:
                from redis import Redis
            except ImportError:
                raise UsageError(
                    "A shared request budget needs the package redis; install "
                    "octane-flows[distributed], or unset OCTANE_BUDGET."
                ) from None
            self._opened = Redis.from_url(
                self._place.address.reveal(),
                socket_timeout=PATIENCE_S,
                socket_connect_timeout=PATIENCE_S,
            )
        return self._opened
