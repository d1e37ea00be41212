"""Whether and how long to wait before the same request is sent again. Pure; `session` calls it.

An attempt's outcome in, seconds or None out. Waits use full jitter, so that many clients do not
come back in step; a server's Retry-After is kept, and both time and the share of retries have an
end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from octane_flows.client.transport import Answer, TransportError

__all__ = ["Outcome", "RetryBudget", "RetryPolicy", "is_temporary", "may_repeat", "retry_after_s"]

TEMPORARY_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
REFUSALS: Final = frozenset({429, 503})  # the server says that it did not act on the request
TEMPORARY_TEXTS: Final = (b"service temporarily unavailable", b"service temporary unavailable")

Outcome = Answer | TransportError


@dataclass(frozen=True)
class RetryPolicy:
    """The numbers; times in seconds."""

    total_s: float = 180.0  # outlasts a restart of a load balancer, not a maintenance window
    base_s: float = 0.5
    cap_s: float = 30.0  # the vendor's CI clients wait 30 s between attempts
    attempts: int = 10
    first_attempts: int = 3  # nobody has answered yet: rather a wrong address than a hiccup

    def wait_s(
        self,
        outcome: Outcome,
        *,
        is_harmless: bool,
        attempt: int,
        spent_s: float,
        random: Callable[[], float],
        now: datetime,
        answered: bool = True,
    ) -> float | None:
        """Seconds to wait after attempt number `attempt` (from 1); None: do not try again.

        `is_harmless`: twice does no more than once. `answered`: this server ever gave an answer.
        """
        attempts = self.attempts if answered else self.first_attempts
        if attempt >= attempts or not may_repeat(outcome, is_harmless):
            return None
        asked = retry_after_s(outcome, now)
        jitter = random() * min(self.cap_s, self.base_s * 2.0 ** (attempt - 1))
        wait = jitter if asked is None else asked + jitter
        return wait if spent_s + wait <= self.total_s else None


class RetryBudget:
    """Retries for all requests together: a floor, then a share of what is sent."""

    def __init__(self, floor: int = 50, share: float = 0.2) -> None:
        self._floor = floor
        self._share = share
        self._used = 0
        self._lock = threading.Lock()

    def take(self, requests: int) -> bool:
        """Take one retry, if any is left after so many requests."""
        with self._lock:
            if self._used >= self._floor + self._share * requests:
                return False
            self._used += 1
            return True


def is_temporary(outcome: Outcome) -> bool:
    """True for what may be gone when asked again."""
    if isinstance(outcome, TransportError):
        return outcome.kind in ("connect", "proxy", "timeout", "cut")
    if outcome.status in TEMPORARY_STATUSES:
        return True
    # A row may hold the words too: they count only in an error or in a page of HTML.
    start = outcome.body[:4096].lstrip().lower()
    if outcome.status >= 400 or start.startswith(b"<"):
        return any(text in start for text in TEMPORARY_TEXTS)
    return False


def may_repeat(outcome: Outcome, is_harmless: bool) -> bool:
    """True when a second attempt cannot do the same thing twice."""
    if not is_temporary(outcome):
        return False
    if is_harmless:
        return True
    if isinstance(outcome, TransportError):
        return not outcome.sent
    return outcome.status in REFUSALS


def retry_after_s(outcome: Outcome, now: datetime) -> float | None:
    """What the server asks to wait: a number of seconds or an HTTP date."""
    text = outcome.header("retry-after") if isinstance(outcome, Answer) else None
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    moment = _http_date(text)
    if moment is None:
        return None
    # The server's own clock says what its date means; it need not agree with this machine's.
    sent = _http_date((outcome.header("date") or "") if isinstance(outcome, Answer) else "")
    return max(0.0, (moment - (sent or now)).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
