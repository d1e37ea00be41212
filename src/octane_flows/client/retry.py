"""Whether, and after which wait, the same request is sent again. Pure; `session` calls it.

The outcome of an attempt in, seconds or None out. Waits are random up to a growing bound (full
jitter), so that many clients do not come back at the same moment. The wait that the server asks for
in Retry-After is kept. The time and the share of retries have an end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from octane_flows.client.server_clock import http_date
from octane_flows.client.transport import Response, TransportError

__all__ = [
    "QUEUE_FULL",
    "Outcome",
    "RetryBudget",
    "RetryPolicy",
    "is_temporary",
    "may_repeat",
    "retry_after_s",
]

TEMPORARY_KINDS: Final = frozenset(
    {"connect", "proxy", "files", "timeout", "not_http", "maybe_tls", "cut"}
)
TEMPORARY_STATUSES: Final = frozenset({408, 429, 502, 503, 504})
REFUSALS: Final = frozenset({429, 503})  # the server says that it did not act on the request
QUEUE_FULL: Final = "testbox_queue_full"  # the code of a server that takes no more test results now
TEMPORARY_TEXTS: Final = (b"service temporarily unavailable", b"service temporary unavailable")

Outcome = Response | TransportError


@dataclass(frozen=True)
class RetryPolicy:
    """The bounds of retries; times in seconds."""

    total_s: float = 180.0  # outlasts a restart of a load balancer, not a maintenance window
    base_s: float = 0.5
    cap_s: float = 30.0  # the vendor's CI clients wait 30 s between attempts
    attempts: int = 10
    time_out_attempts: int = 2  # a request that needs too long twice is made smaller instead
    first_attempts: int = 3  # no response yet: more likely a wrong address than a short failure

    def wait_s(
        self,
        outcome: Outcome,
        *,
        is_harmless: bool,
        attempt: int,
        spent_s: float,
        random: Callable[[], float],
        now: datetime,
        has_answered: bool = True,
    ) -> float | None:
        """Seconds to wait after attempt number `attempt` (from 1); None: do not try again.

        `is_harmless`: to send it twice does no more than to send it once. `has_answered`: this
        server has given a response before.
        """
        attempts = self.attempts if has_answered else self.first_attempts
        if isinstance(outcome, TransportError) and outcome.kind == "timeout":
            attempts = min(attempts, self.time_out_attempts)
        if attempt >= attempts or not may_repeat(outcome, is_harmless) or _is_queue_full(outcome):
            return None
        server_wait = retry_after_s(outcome, now)
        jitter = random() * min(self.cap_s, self.base_s * 2.0 ** (attempt - 1))
        wait = jitter if server_wait is None else server_wait + jitter
        return wait if spent_s + wait <= self.total_s else None


class RetryBudget:
    """The retries of all requests together: a fixed number, and a share of the requests."""

    def __init__(self, floor: int = 50, share: float = 0.2) -> None:
        self._floor = floor
        self._share = share
        self._used = 0
        self._lock = threading.Lock()

    def use(self, requests: int) -> bool:
        """Use one retry, if any is left after so many requests."""
        with self._lock:
            if self._used >= self._floor + self._share * requests:
                return False
            self._used += 1
            return True


def is_temporary(outcome: Outcome) -> bool:
    """Whether the same request may succeed later."""
    if isinstance(outcome, TransportError):
        return outcome.kind in TEMPORARY_KINDS
    if outcome.status in TEMPORARY_STATUSES:
        return True
    # A row may contain these texts too, so they count only in an error or in a page of HTML.
    start = outcome.body[:4096].lstrip().lower()
    if outcome.status >= 400 or start.startswith(b"<"):
        return any(text in start for text in TEMPORARY_TEXTS)
    return False


def _is_queue_full(outcome: Outcome) -> bool:
    """Whether the queue of test results is full: who sends them waits as long as the user says."""
    if isinstance(outcome, TransportError) or outcome.status < 400:
        return False
    return QUEUE_FULL.encode() in outcome.body[:4096]


def may_repeat(outcome: Outcome, is_harmless: bool) -> bool:
    """Whether a second attempt cannot do the same thing twice."""
    if not is_temporary(outcome):
        return False
    if is_harmless:
        return True
    if isinstance(outcome, TransportError):
        return not outcome.sent
    return outcome.status in REFUSALS


def retry_after_s(outcome: Outcome, now: datetime) -> float | None:
    """The wait that the server asks for, given in seconds or as an HTTP date."""
    text = outcome.header("retry-after") if isinstance(outcome, Response) else None
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    retry_at = http_date(text)
    if retry_at is None:
        return None
    # The date is by the server's clock, which may differ from this machine's clock.
    sent = http_date((outcome.header("date") or "") if isinstance(outcome, Response) else "")
    return max(0.0, (retry_at - (sent or now)).total_seconds())
