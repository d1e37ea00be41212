"""The client over a replaced network: sign-in, rotation, 401, retries, waits, lost connections."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from octane_flows.client import Octane
from octane_flows.client.session import Timing
from octane_flows.client.transport import HttpTransport
from octane_flows.config import ApiKey, Cookie, Credentials, Secret, Settings, Token, UserPassword
from octane_flows.errors import (
    AnswerError,
    ServerError,
    SignInError,
    TimeOutError,
    UnavailableError,
    UsageError,
)
from tests.replaced_server import (
    EMPTY,
    EXPIRED,
    KEY,
    SIGN_IN,
    Server,
    answering,
    ok,
    read,
)


def test_sign_in_is_sent_bare_and_requests_carry_cookie_and_preview_header() -> None:
    server = Server(answering(ok()))
    with server.open() as octane:
        read(octane)
    sign_in, request = server.requests
    assert json.loads(sign_in.content) == {"client_id": "reader", "client_secret": "canary-secret"}
    assert "cookie" not in sign_in.headers
    assert "alm-octane-tech-preview" not in sign_in.headers
    assert request.headers["cookie"] == "LWSSO_COOKIE_KEY=canary-1; OCTANE_USER=reader"
    assert request.headers["alm-octane-tech-preview"] == "true"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("octane-flows/")


def test_a_user_signs_in_with_the_user_body() -> None:
    server = Server(answering(ok()))
    with server.open(UserPassword("ada", Secret("pw"))) as octane:
        read(octane)
    assert json.loads(server.requests[0].content) == {"user": "ada", "password": "pw"}


def test_a_rotated_cookie_from_any_answer_is_sent_next() -> None:
    rotated = httpx.Response(404, headers=[("Set-Cookie", "LWSSO_COOKIE_KEY=new; Path=/")])
    emptied = httpx.Response(200, json=EMPTY, headers=[("Set-Cookie", 'LWSSO_COOKIE_KEY=""')])
    server = Server(answering(rotated, emptied, ok()))
    with server.open() as octane:
        with pytest.raises(ServerError):
            read(octane)
        read(octane)
        read(octane)
    assert [request.headers["cookie"].split(";")[0] for request in server.requests[1:]] == [
        "LWSSO_COOKIE_KEY=canary-1",
        "LWSSO_COOKIE_KEY=new",
        "LWSSO_COOKIE_KEY=new",
    ]


def test_a_cookie_rotated_by_a_refusal_goes_with_the_repetition() -> None:
    busy = httpx.Response(503, headers=[("Set-Cookie", "LWSSO_COOKIE_KEY=new; Path=/")])
    server = Server(answering(busy, ok()))
    with server.open() as octane:
        read(octane)
    assert server.requests[2].headers["cookie"].startswith("LWSSO_COOKIE_KEY=new;")


@pytest.mark.parametrize(
    ("credentials", "header", "value"),
    [
        (ApiKey("id", Secret("se:cret"), "basic"), "authorization", "Basic aWQ6c2U6Y3JldA=="),
        (UserPassword("ä", Secret("ö"), "basic"), "authorization", "Basic w6Q6w7Y="),
        (Token(Secret("tok")), "authorization", "Bearer tok"),
        (Cookie("LWSSO_COOKIE_KEY", Secret("given")), "cookie", "LWSSO_COOKIE_KEY=given"),
    ],
)
def test_other_credentials_go_with_each_request_and_a_401_is_final(
    credentials: Credentials, header: str, value: str
) -> None:
    server = Server(answering(ok(), httpx.Response(401, json=EXPIRED)))
    with server.open(credentials) as octane:
        read(octane)
        with pytest.raises(SignInError, match="OCTANE_"):
            read(octane)
    assert [request.headers[header] for request in server.requests] == [value, value]


def test_an_expired_session_signs_in_once_and_repeats_once() -> None:
    server = Server(answering(httpx.Response(401, json=EXPIRED), ok(total_count=7)))
    with server.open() as octane:
        assert read(octane) == 7
    assert server.sign_ins == 2


def test_a_second_401_is_final() -> None:
    server = Server(lambda request: httpx.Response(401, json=EXPIRED))
    with server.open() as octane, pytest.raises(SignInError, match="IDLE_TIME_OUT"):
        read(octane)
    assert server.sign_ins == 2


def test_many_threads_with_an_expired_session_sign_in_once() -> None:
    together = threading.Barrier(2, timeout=5)
    expire = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if expire.is_set() and "canary-1" in request.headers["cookie"]:
            if request.url.params.get("offset") in (
                "1",
                "2",
            ):  # these two are sent with the old cookie
                together.wait()
            return httpx.Response(401, json=EXPIRED)
        return ok(total_count=3)

    server = Server(handler)
    with server.open() as octane:
        for _ in range(40):  # opens the gate
            read(octane)
        expire.set()
        workspace = octane.workspace("1002")
        with ThreadPoolExecutor(2) as pool:
            pages = list(
                pool.map(lambda n: workspace.page("runs", fields=["id"], offset=n), [1, 2])
            )
    assert [page.total_count for page in pages] == [3, 3]
    assert server.sign_ins == 2


def test_refused_credentials_are_not_tried_again() -> None:
    calls: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        return httpx.Response(401, text="no such key canary-secret")

    settings = Settings("https://octane.example", "1001", None, KEY)
    transport = HttpTransport(settings, mount=httpx.MockTransport(refuse))
    with Octane(settings, transport=transport) as octane:
        for _ in range(2):
            with pytest.raises(SignInError, match="OCTANE_CLIENT_SECRET") as caught:
                read(octane)
            assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert calls == [SIGN_IN]


@pytest.mark.parametrize("hiccup", [httpx.Response(502), httpx.ReadTimeout("slow")])
def test_a_sign_in_is_repeated_after_what_is_temporary(
    hiccup: httpx.Response | httpx.ReadTimeout,
) -> None:
    signed_in = httpx.Response(200, headers={"Set-Cookie": "LWSSO_COOKIE_KEY=canary"})
    answer = answering(hiccup, signed_in, ok(total_count=4))
    settings = Settings("https://octane.example", "1001", None, KEY)
    transport = HttpTransport(settings, mount=httpx.MockTransport(answer))
    timing = Timing(lambda _: None, lambda: 0.0)
    with Octane(settings, transport=transport, timing=timing) as octane:
        assert read(octane) == 4


@pytest.mark.parametrize("answer", [httpx.Response(200), httpx.Response(302), httpx.Response(304)])
def test_a_sign_in_without_a_session_is_an_error(answer: httpx.Response) -> None:
    settings = Settings("https://octane.example", "1001", None, KEY)
    transport = HttpTransport(settings, mount=httpx.MockTransport(lambda request: answer))
    with (
        Octane(settings, transport=transport) as octane,
        pytest.raises(SignInError, match="no session cookie"),
    ):
        read(octane)


def test_retry_after_is_kept_in_both_forms() -> None:
    date = "Wed, 20 Jan 2021 21:00:30 GMT"
    server = Server(
        answering(
            httpx.Response(429, headers={"Retry-After": "7"}),
            httpx.Response(503, headers={"Retry-After": date}, text="<html>"),
            ok(total_count=1),
        )
    )
    with server.open() as octane:
        assert read(octane) == 1
        politeness = octane.politeness
    assert server.slept == [7.5, 31.0]
    assert (politeness.retries, politeness.status_429, politeness.wait_s) == (2, 1, 38.5)
    assert politeness.requests == 4


def test_waiting_ends_with_the_reason() -> None:
    server = Server(lambda request: httpx.Response(503, text="<title>Maintenance</title>"))
    with server.open() as octane, pytest.raises(UnavailableError, match="Maintenance"):
        read(octane)
    assert sum(server.slept) <= 180


def test_a_lost_connection_is_repeated_for_reads_only() -> None:
    lost = httpx.ReadError("reset")
    server = Server(answering(lost, ok(total_count=1), lost))
    with server.open() as octane:
        assert read(octane) == 1
        with pytest.raises(UnavailableError, match="ended within"):
            octane.workspace("1002").create("defects", [{"name": "x"}])
    assert [request.method for request in server.requests[1:]] == ["GET", "GET", "POST"]


def test_a_body_shorter_than_its_length_is_not_taken() -> None:
    whole = json.dumps(EMPTY).encode()
    cut = httpx.Response(200, headers={"Content-Length": "1000"}, stream=httpx.ByteStream(whole))
    server = Server(answering(cut, ok(total_count=5)))
    with server.open() as octane:
        assert read(octane) == 5
    assert len(server.slept) == 1


def test_a_compressed_body_is_read() -> None:
    body = gzip.compress(json.dumps({**EMPTY, "total_count": 4}).encode())
    server = Server(
        answering(
            httpx.Response(
                200,
                headers={"Content-Encoding": "gzip", "Content-Length": str(len(body))},
                stream=httpx.ByteStream(body),
            )
        )
    )
    with server.open() as octane:
        assert read(octane) == 4


def test_a_bad_certificate_is_told_at_once_with_the_setting() -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] canary")
    error.__cause__ = ssl.SSLCertVerificationError("canary")
    server = Server(answering(error))
    with server.open(Token(Secret("t"))) as octane, pytest.raises(UnavailableError) as caught:
        read(octane)
    assert "OCTANE_CA_FILE" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert server.slept == []


def test_an_unusable_certificate_file_is_a_setting_to_correct(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    settings = Settings("https://octane.example", "1001", None, KEY, ca_file=file)
    with pytest.raises(UsageError, match="OCTANE_CA_FILE"):
        HttpTransport(settings)


SIGN_IN_PAGE = "<html><title>Sign in</title>"


@pytest.mark.parametrize(
    "ended",
    [
        httpx.Response(302, headers={"Location": "https://sso.example/login"}),
        httpx.Response(200, text=SIGN_IN_PAGE, headers={"Content-Type": "text/html"}),
        httpx.Response(200, text=SIGN_IN_PAGE, headers={"Content-Type": "application/json"}),
        httpx.Response(200, json={"error_code": "VALIDATION_TOKEN_EXPIRED", "description": "old"}),
        httpx.Response(200, json=EXPIRED),
    ],
    ids=["redirect", "page", "page called JSON", "error body", "older error body"],
)
def test_a_session_that_a_gateway_ends_is_signed_in_once_more(ended: httpx.Response) -> None:
    server = Server(answering(ok(), ended, ok(total_count=4)))
    with server.open() as octane:
        assert read(octane) == 0
        assert read(octane) == 4
    assert server.sign_ins == 2


@pytest.mark.parametrize(
    ("status", "text"), [(302, ""), (200, SIGN_IN_PAGE)], ids=["redirect", "page"]
)
def test_a_gateway_that_goes_on_is_an_error_after_one_more_sign_in(status: int, text: str) -> None:
    pages = [httpx.Response(status, text=text) for _ in range(2)]
    server = Server(answering(*pages))
    with server.open() as octane, pytest.raises(AnswerError, match="sign-in"):
        read(octane)
    assert server.sign_ins == 2


def test_a_write_is_not_sent_twice_after_a_page_that_says_nothing_of_it() -> None:
    page = httpx.Response(200, text=SIGN_IN_PAGE, headers={"Content-Type": "text/html"})
    server = Server(answering(page))
    with server.open() as octane, pytest.raises(AnswerError):
        octane.workspace("1002").create("defects", [{"name": "one"}])
    assert server.sign_ins == 1


def test_a_token_that_the_server_sets_goes_back_with_writes_alone() -> None:
    created = {"total_count": 1, "data": [{"type": "defect", "id": "1"}]}
    cookies = [
        ("Set-Cookie", "XSRF_COOKIE=canary-token; Path=/"),
        ("Set-Cookie", "HPSSO_COOKIE_CSRF=older-token; Path=/"),
    ]
    first = httpx.Response(200, headers=cookies, json=EMPTY)
    server = Server(answering(first, ok(), httpx.Response(201, json=created)))
    with server.open(Cookie("LWSSO_COOKIE_KEY", Secret("of-a-browser"))) as octane:
        read(octane)
        read(octane)
        octane.workspace("1002").create("defects", [{"name": "one"}])
        assert octane.connection._session.redact("canary-token") == "***"

    _, second_read, write = server.requests
    assert "XSRF-HEADER" not in second_read.headers
    assert write.headers["XSRF-HEADER"] == "canary-token"
    assert write.headers["HPSSO_HEADER_CSRF"] == "older-token"
    assert "XSRF_COOKIE=canary-token" in write.headers["Cookie"]


def test_a_page_that_comes_too_late_is_not_asked_for_again_as_large_as_it_was() -> None:
    late = [httpx.ReadTimeout("late") for _ in range(3)]
    server = Server(answering(*late))
    with server.open() as octane:
        for limit, requests in ((1000, 1), (10, 2)):
            before = len(server.requests) - server.sign_ins
            with pytest.raises(TimeOutError):
                octane.workspace("1002").page("defects", fields=["id"], limit=limit)
            assert len(server.requests) - server.sign_ins - before == requests
