"""A server of one handler in place of the network, for the tests of the client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx

from octane_flows.client import Octane
from octane_flows.client.session import Timing
from octane_flows.client.transport import HttpTransport
from octane_flows.config import ApiKey, Credentials, Secret, Settings

Handler = Callable[[httpx.Request], httpx.Response]
KEY = ApiKey("reader", Secret("canary-secret"))
EMPTY = {"total_count": 0, "data": [], "exceeds_total_count": False}
EXPIRED = {"errorCode": "VALIDATION_TOKEN_EXPIRED_IDLE_TIME_OUT", "accumulatedMessage": ""}
SIGN_IN = "/authentication/sign_in"
NOW = datetime(2021, 1, 20, 21, 0, 0, tzinfo=UTC)


class Server:
    """A server of one handler; keeps the requests and what the client slept."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[httpx.Request] = []
        self.sign_ins = 0
        self.slept: list[float] = []
        self.clock = 0.0
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.requests.append(request)
            if request.url.path == SIGN_IN:
                self.sign_ins += 1
                cookies = [
                    ("Set-Cookie", f"LWSSO_COOKIE_KEY=canary-{self.sign_ins}; Path=/; HttpOnly"),
                    ("Set-Cookie", "OCTANE_USER=reader; Path=/"),
                ]
                return httpx.Response(200, headers=cookies)
        return self.handler(request)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    @contextmanager
    def open(self, credentials: Credentials = KEY) -> Iterator[Octane]:
        settings = Settings("https://octane.example", "1001", None, credentials, concurrency=8)
        timing = Timing(self.sleep, lambda: self.clock, lambda: 1.0, lambda: NOW)
        transport = HttpTransport(settings, mount=httpx.MockTransport(self))
        with Octane(settings, transport=transport, timing=timing) as octane:
            yield octane


def answering(*answers: httpx.Response | Exception) -> Handler:
    """One answer after the other."""
    waiting = list(answers)

    def handler(request: httpx.Request) -> httpx.Response:
        answer = waiting.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler


def ok(**more: object) -> httpx.Response:
    return httpx.Response(200, json={**EMPTY, **more})


def read(octane: Octane) -> int:
    return octane.workspace("1002").count("defects")
