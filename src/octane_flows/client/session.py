"""Requests with credentials: a path in, a good or final answer out.

It signs in, keeps the newest session cookie from any answer, signs in once more on 401 and sends
again once, waits and repeats what is temporary, and lets only so many requests run at once.
`client` calls it from several threads.
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
from octane_flows.client.response import describe, explain, sentence, unreachable
from octane_flows.client.retry import RetryBudget, RetryPolicy
from octane_flows.client.signin import (
    authorization,
    can_sign_in,
    remedy,
    secrets,
    session_cookies,
    session_values,
    sign_in_body,
)
from octane_flows.client.transport import Answer, Request, Transport, TransportError
from octane_flows.config import Cookie, Credentials
from octane_flows.errors import SignInError

__all__ = ["Session", "Timing"]

SIGN_IN: Final = "/authentication/sign_in"
KEPT_FOR_REDACTION: Final = 50  # session values; a late error may quote one that is replaced
SHORT_SECRET: Final = 4  # shorter texts are not cut out of messages: they are in every word


@dataclass(frozen=True)
class Timing:
    """Clock, sleep and dice; tests bring their own."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    random: Callable[[], float] = random_module.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class _Pass:
    """What one request is sent with: the headers, and which sign-in they come from."""

    number: int
    headers: Mapping[str, str] = field(repr=False)


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
        self._answered = False
        self._sign_in_lock = threading.Lock()
        self._lock = threading.Lock()  # guards the four below
        self._number = 0  # how many sign-ins there were
        self._cookies: dict[str, str] = {}
        self._seen: deque[str] = deque(maxlen=KEPT_FOR_REDACTION)
        self._refused: str | None = None
        if isinstance(credentials, Cookie):
            self._cookies = {credentials.name: credentials.value.reveal()}

    def send(
        self,
        method: str,
        path: str,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        topic: Topic = None,
    ) -> Answer:
        """Send with credentials. Any status but 401 comes back as it is; `topic` is for the counts.

        Raises SignInError, PausedError, and UnavailableError when no answer came.
        """
        request = Request(method, self._url + path, headers or {}, body)
        used = self._pass()
        answer = self._persist(request, used, what, topic)
        if answer.status == 401 and can_sign_in(self._credentials):
            used = self._renew(used)
            answer = self._persist(request, used, what, topic)
        if answer.status == 401:
            raise SignInError(self._refusal(answer, what))
        return answer

    def redact(self, text: str) -> str:
        """Cut every secret that the session knows out of a text."""
        with self._lock:
            known = [*secrets(self._credentials), *self._seen]
        for secret in sorted(known, key=len, reverse=True):
            if len(secret) >= SHORT_SECRET:
                text = text.replace(secret, "***")
        return text

    def _pass(self) -> _Pass:
        fixed = authorization(self._credentials)
        if fixed is not None:
            return _Pass(0, {"Authorization": fixed})
        if can_sign_in(self._credentials) and self._number == 0:
            self._renew(_Pass(0, {}))
        with self._lock:
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            return _Pass(self._number, {"Cookie": cookies})

    def _renew(self, used: _Pass) -> _Pass:
        """Sign in, unless another thread has done so since `used` was made."""
        with self._sign_in_lock:
            if self._refused is not None:  # asking again could lock the account
                raise SignInError(self._refused)
            if self._number == used.number:
                cookies = self._sign_in()
                with self._lock:
                    self._cookies = cookies
                    self._seen.extend(session_values(cookies))
                    self._number += 1
        return self._pass()

    def _sign_in(self) -> dict[str, str]:
        body = json.dumps(sign_in_body(self._credentials)).encode()
        # Neither old cookies nor the preview header may be on this request.
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        what = f"signing in to {self._host}"
        answer = self._persist(Request("POST", self._url + SIGN_IN, headers, body), None, what)
        cookies = session_cookies(answer)
        if answer.status == 200 and session_values(cookies):
            return cookies
        if answer.status in (400, 401, 403):
            self._refused = self._refusal(answer, what)
            raise SignInError(self._refused)
        if 200 <= answer.status < 400:
            raise SignInError(
                f"Signing in to {self._host} was answered with status {answer.status} and no "
                "session cookie; check that OCTANE_URL is the server itself and not an SSO page, "
                "or use OCTANE_AUTH=basic or OCTANE_TOKEN."
            )
        raise explain(answer, what, redact=self.redact)

    def _persist(
        self, request: Request, used: _Pass | None, what: str, topic: Topic = None
    ) -> Answer:
        """Send until the outcome is final or the budget is spent."""
        started = self._timing.monotonic()
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request, used, topic)
            wait = self._policy.wait_s(
                outcome,
                # A second sign-in does no harm.
                is_harmless=request.method == "GET" or used is None,
                attempt=attempt,
                spent_s=self._timing.monotonic() - started,
                random=self._timing.random,
                now=self._timing.now(),
                answered=self._answered,
            )
            if wait is None or not self._budget.take(self.counters.requests):
                if isinstance(outcome, TransportError):
                    raise unreachable(outcome, what, self._host)
                return outcome
            self.counters.retry(topic, wait)
            self._timing.sleep(wait)
            if used is not None:
                used = self._newest(used)

    def _newest(self, used: _Pass) -> _Pass:
        """The same session with the cookie as it is now; a rotation may have come meanwhile."""
        now = self._pass()
        return now if now.number == used.number else used

    def _attempt(
        self, request: Request, used: _Pass | None, topic: Topic
    ) -> Answer | TransportError:
        if used is None:
            return self._transfer(request, topic)
        signed = Request(
            request.method, request.url, {**request.headers, **used.headers}, request.body
        )
        with self._gate.enter() as epoch:
            outcome = self._transfer(signed, topic)
            if isinstance(outcome, TransportError):
                if outcome.kind == "timeout":
                    self._gate.slow_down(epoch)
                return outcome
            if outcome.status in (429, 503):
                self._gate.slow_down(epoch)
            else:
                self._gate.answered(outcome.elapsed_s)
            self._take_cookies(outcome, used)
        return outcome

    def _transfer(self, request: Request, topic: Topic) -> Answer | TransportError:
        # The place is taken only now, so that waiting threads do not use up theirs all at once.
        self.counters.waited(topic, self._limits.take(self._timing))
        try:
            answer = self._transport.send(request)
        except TransportError as error:
            self.counters.failure(topic)
            return error
        self._answered = True
        self.counters.answer(topic, answer.status, answer.wire_bytes, answer.elapsed_s)
        return answer

    def _take_cookies(self, answer: Answer, used: _Pass) -> None:
        if answer.status == 401 or authorization(self._credentials) is not None:
            return
        rotated = session_cookies(answer)
        if rotated:
            with self._lock:
                if used.number == self._number:  # not from a session that has been replaced
                    self._cookies.update(rotated)
                    self._seen.extend(session_values(rotated))

    def _refusal(self, answer: Answer, what: str) -> str:
        said = " ".join(part for part in describe(answer, self.redact) if part)
        found = f"{sentence(what)} was refused (status {answer.status}"
        found += f", {said.rstrip('.')})" if said else ")"
        return f"{found}; {remedy(self._credentials)}."
