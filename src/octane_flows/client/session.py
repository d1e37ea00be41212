"""Requests with credentials: a path in, a final response out.

The session signs in, keeps the newest session cookie of any response, signs in once more after a
401, or after what a gateway sends in its place, and sends that request again once. It waits and
repeats after temporary failures, and limits how many requests run at once. `connection` calls it
from several threads.
"""

from __future__ import annotations

import json
import random as random_module
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from octane_flows.client.concurrency import Counters, Gate, Topic
from octane_flows.client.request_limits import Limits
from octane_flows.client.response import (
    capitalized,
    error_of,
    is_signed_out,
    server_message,
    unreachable_error,
)
from octane_flows.client.retry import RetryBudget, RetryPolicy
from octane_flows.client.server_clock import ServerClock
from octane_flows.client.signin import (
    authorization,
    can_sign_in,
    remedy,
    secret_values,
    secrets,
    session_cookies,
    session_values,
    sign_in_body,
    token_headers,
)
from octane_flows.client.transport import Request, Response, Transport, TransportError
from octane_flows.config import Cookie, Credentials
from octane_flows.errors import SignInError

__all__ = ["Session", "Timing"]

SIGN_IN: Final = "/authentication/sign_in"
KEPT_FOR_REDACTION: Final = 50  # session values; a late error may quote a replaced value
READS: Final = frozenset({"GET", "HEAD"})
SHORT_SECRET: Final = 4  # shorter texts stay in messages: they occur in ordinary words


@dataclass(frozen=True)
class Timing:
    """Clock, sleep and random numbers; tests bring their own."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random_module.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class _SessionHeaders:
    """The headers that prove who asks, and the number of the sign-in that they come from.

    `write_headers` are those that the server wants on each write beside them.
    """

    sign_in_number: int
    headers: Mapping[str, str] = field(repr=False)
    write_headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Session:
    """One user or API key on one server; safe between threads."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        transport: Transport,
        *,
        concurrency: int,
        limits: Limits | None = None,
        policy: RetryPolicy | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        self._credentials = credentials
        self._transport = transport
        self._policy = policy or RetryPolicy()
        self._timing = timing or Timing()
        self._budget = RetryBudget()
        self._gate = Gate(concurrency)
        self._limits = limits or Limits()
        self.counters = Counters()
        self.clock = ServerClock(self._timing.now)
        self._has_answered = False
        self._sign_in_lock = threading.Lock()
        self._lock = threading.Lock()  # guards the four attributes below
        self._sign_in_count = 0
        self._cookies: dict[str, str] = {}
        self._past_values: deque[str] = deque(maxlen=KEPT_FOR_REDACTION)
        self._refusal_message: str | None = None
        if isinstance(credentials, Cookie):
            self._cookies = {credentials.name: credentials.value.reveal()}

    def send(
        self,
        method: str,
        path: str,
        *,
        action: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        topic: Topic = None,
        repeat_time_outs: bool = True,
    ) -> Response:
        """Send with credentials and give the response, whatever its status is, except 401.

        `topic` is what the request counts for; without `repeat_time_outs`, the caller asks for less
        after a time-out. Raises SignInError, PausedError, and
        UnavailableError when no response came.
        """
        request = Request(method, self._url + path, headers or {}, body)
        used = self._session_headers()
        response = self._send_with_retries(request, used, action, topic, repeat_time_outs)
        if can_sign_in(self._credentials) and _has_ended(response, request):
            used = self._renew(used)
            response = self._send_with_retries(request, used, action, topic, repeat_time_outs)
        if response.status == 401:
            raise SignInError(self._refusal(response, action))
        return response

    def redact(self, text: str) -> str:
        """The text with stars in place of every secret that the session has or had."""
        with self._lock:
            all_secrets = [*secrets(self._credentials), *self._past_values]
        for secret in sorted(all_secrets, key=len, reverse=True):
            if len(secret) >= SHORT_SECRET:
                text = text.replace(secret, "***")
        return text

    def _session_headers(self) -> _SessionHeaders:
        header = authorization(self._credentials)
        if header is not None:
            return _SessionHeaders(0, {"Authorization": header})
        if can_sign_in(self._credentials) and self._sign_in_count == 0:
            self._renew(_SessionHeaders(0, {}))
        with self._lock:
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            return _SessionHeaders(
                self._sign_in_count, {"Cookie": cookies}, token_headers(self._cookies)
            )

    def _renew(self, used: _SessionHeaders) -> _SessionHeaders:
        """Sign in, unless another thread has done so since `used` was made."""
        with self._sign_in_lock:
            if self._refusal_message is not None:  # another attempt could lock the account
                raise SignInError(self._refusal_message)
            if self._sign_in_count == used.sign_in_number:
                cookies = self._sign_in()
                with self._lock:
                    self._cookies = cookies
                    self._past_values.extend(secret_values(cookies))
                    self._sign_in_count += 1
        return self._session_headers()

    def _sign_in(self) -> dict[str, str]:
        body = json.dumps(sign_in_body(self._credentials)).encode()
        # This request must carry neither old cookies nor the preview header.
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        action = f"signing in to {self._host}"
        response = self._send_with_retries(
            Request("POST", self._url + SIGN_IN, headers, body), None, action
        )
        cookies = session_cookies(response)
        if response.status == 200 and session_values(cookies):
            return cookies
        if response.status in (400, 401, 403):
            self._refusal_message = self._refusal(response, action)
            raise SignInError(self._refusal_message)
        if 200 <= response.status < 400:
            raise SignInError(
                f"Signing in to {self._host} was answered with status {response.status} and no "
                "session cookie; check that OCTANE_URL is the server itself and not an SSO page, "
                "or use OCTANE_AUTH=basic or OCTANE_TOKEN."
            )
        raise error_of(response, action, redact=self.redact)

    def _send_with_retries(
        self,
        request: Request,
        used: _SessionHeaders | None,
        action: str,
        topic: Topic = None,
        repeat_time_outs: bool = True,
    ) -> Response:
        """Send until the outcome is final or no retry is left."""
        started = self._timing.monotonic()
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request, used, topic)
            wait = self._policy.wait_s(
                outcome,
                # a second sign-in does no harm
                is_harmless=request.method == "GET" or used is None,
                attempt=attempt,
                spent_s=self._timing.monotonic() - started,
                random=self._timing.random,
                now=self._timing.now(),
                has_answered=self._has_answered,
            )
            if not repeat_time_outs and _is_time_out(outcome):
                wait = None
            if wait is None or not self._budget.use(self.counters.requests):
                if isinstance(outcome, TransportError):
                    raise unreachable_error(outcome, action, self._host)
                return outcome
            self.counters.retry(topic, wait)
            self._timing.sleep(wait)
            if used is not None:
                used = self._newest(used)

    def _newest(self, used: _SessionHeaders) -> _SessionHeaders:
        """The newest cookies of the same session; a response may have replaced them meanwhile."""
        newest = self._session_headers()
        return newest if newest.sign_in_number == used.sign_in_number else used

    def _attempt(
        self, request: Request, used: _SessionHeaders | None, topic: Topic
    ) -> Response | TransportError:
        if used is None:
            return self._transfer(request, topic)
        headers = {**request.headers, **used.headers}
        if request.method not in READS:
            headers |= used.write_headers
        signed = Request(request.method, request.url, headers, request.body)
        with self._gate.enter() as epoch:
            outcome = self._transfer(signed, topic)
            if isinstance(outcome, TransportError):
                if outcome.kind == "timeout":
                    self._gate.slow_down(epoch)
                return outcome
            if outcome.status in (429, 503):
                self._gate.slow_down(epoch)
            else:
                self._gate.record(outcome.elapsed_s)
            self._take_cookies(outcome, used)
        return outcome

    def _transfer(self, request: Request, topic: Topic) -> Response | TransportError:
        # The place is reserved only now, so that waiting threads do not all reserve at once.
        self.counters.waited(topic, self._limits.reserve(self._timing))
        try:
            response = self._transport.send(request)
        except TransportError as error:
            self.counters.failure(topic)
            return error
        self._has_answered = True
        self.clock.observe(response)
        self.counters.response(topic, response.status, response.wire_bytes, response.elapsed_s)
        return response

    def _take_cookies(self, response: Response, used: _SessionHeaders) -> None:
        if response.status == 401 or authorization(self._credentials) is not None:
            return
        rotated = session_cookies(response)
        if rotated:
            with self._lock:
                if used.sign_in_number == self._sign_in_count:  # not of a session that was replaced
                    self._cookies.update(rotated)
                    self._past_values.extend(secret_values(rotated))

    def _refusal(self, response: Response, action: str) -> str:
        detail = " ".join(part for part in server_message(response, self.redact) if part)
        refusal = f"{capitalized(action)} was refused (status {response.status}"
        refusal += f", {detail.rstrip('.')})" if detail else ")"
        return f"{refusal}; {remedy(self._credentials)}."


def _is_time_out(outcome: Response | TransportError) -> bool:
    return isinstance(outcome, TransportError) and outcome.kind == "timeout"


def _has_ended(response: Response, request: Request) -> bool:
    """Whether the session has ended; a write is sent again only where nobody can have taken it."""
    if request.method in READS:
        return is_signed_out(response)
    return response.status == 401 or 300 <= response.status < 400
