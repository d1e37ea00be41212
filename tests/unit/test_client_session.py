"""The client over a replaced network: sign-in, rotation, 401, retries, cut and strange answers."""

from __future__ import annotations

import gzip
import json
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from octane_flows.config import ApiKey, Cookie, Credentials, Secret, Settings, Token, UserPassword
from octane_flows.errors import (
    AnswerError,
    PartialError,
    RequestError,
    ServerError,
    SignInError,
    UnavailableError,
    UsageError,
)
from octane_flows.octane import Octane, Workspace, field
from octane_flows.octane.paging import count_exactly, id_windows, rows_by_key
from octane_flows.octane.session import Timing
from octane_flows.octane.transport import HttpTransport

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
    assert [one.headers["cookie"].split(";")[0] for one in server.requests[1:]] == [
        "LWSSO_COOKIE_KEY=canary-1",
        "LWSSO_COOKIE_KEY=new",
        "LWSSO_COOKIE_KEY=new",
    ]


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
    assert [one.headers[header] for one in server.requests] == [value, value]


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
            if request.url.params.get("offset") in ("1", "2"):  # these two meet with the old one
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


@pytest.mark.parametrize("answer", [httpx.Response(200), httpx.Response(302), httpx.Response(304)])
def test_a_sign_in_without_a_session_is_told(answer: httpx.Response) -> None:
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
    assert [one.method for one in server.requests[1:]] == ["GET", "GET", "POST"]


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
    server = Server(answering(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] canary")))
    with server.open(Token(Secret("t"))) as octane, pytest.raises(UnavailableError) as caught:
        read(octane)
    assert "OCTANE_CA_FILE" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert server.slept == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ([], "where a page was expected"),
        ({"total_count": 1}, "no list of rows"),
        ({"data": [], "total_count": "1"}, "no total_count"),
        ({"data": [], "total_count": True}, "no total_count"),
        ({"data": [{"name": "x"}], "total_count": 1}, "without an id"),
        ({"data": [{"id": "1"}, {"id": "2"}], "total_count": 2}, "at most 1"),
        ({"data": [{"id": "1"}], "total_count": 0}, "total_count of 0"),
    ],
)
def test_an_envelope_that_cannot_be_right_is_refused(body: object, part: str) -> None:
    server = Server(answering(httpx.Response(200, json=body)))
    with server.open() as octane, pytest.raises(AnswerError, match=part):
        octane.workspace("1002").page("defects", fields=["id"], limit=1)


def test_a_page_is_asked_for_with_everything_spelled_out_and_encoded_once() -> None:
    server = Server(answering(ok()))
    with server.open() as octane:
        octane.workspace("1002").page(
            "defects", fields=["name", "owner{name}"], query=field("name").eq("ä&#+%"), offset=10
        )
    assert server.requests[1].url.raw_path.decode() == (
        "/api/shared_spaces/1001/workspaces/1002/defects?fields=name,owner%7Bname%7D"
        "&query=%22name%20EQ%20%5E%C3%A4%26%23%2B%25%5E%22&order_by=id&limit=1000&offset=10"
    )


def test_version_time_and_workspaces_are_read() -> None:
    date = {"Date": "Wed, 20 Jan 2021 21:00:00 GMT"}
    listed = {"total_count": 2, "data": [{"id": 1002, "name": "Main"}, {"id": "1003"}]}
    server = Server(
        answering(
            httpx.Response(200, json={"version": "24.1"}),
            httpx.Response(200, json={"version": "24.1"}, headers=date),
            httpx.Response(400, json={"error_code": "platform.unknown_field"}),
            httpx.Response(200, json=listed),
        )
    )
    with server.open() as octane:
        assert octane.version() == "24.1"
        assert octane.server_time() == NOW
        assert [(one.id, one.name) for one in octane.workspaces()] == [
            ("1002", "Main"),
            ("1003", "1003"),
        ]


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(404, json={"error_code": "platform.not_found"}),
        httpx.Response(403, json={"error_code": "platform.not_authorized"}),
        httpx.Response(200, json={"id": "1001"}),
    ],
    ids=["unknown", "forbidden", "nameless"],
)
def test_a_server_that_does_not_tell_who_is_signed_in_is_no_error(refusal: httpx.Response) -> None:
    with Server(answering(refusal)).open() as octane:
        assert octane.current_user() is None


def test_writes_go_in_batches_and_a_partial_refusal_keeps_the_good_rows() -> None:
    sizes: list[int] = []

    def handler(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.content)["data"]
        sizes.append(len(rows))
        if rows[0]["name"] == "bad":
            return httpx.Response(
                409, json={"data": [{"id": "9"}], "errors": [{"index": 0, "description": "no"}]}
            )
        return httpx.Response(201, json={"data": [{"id": str(n)} for n in range(len(rows))]})

    server = Server(handler)
    with server.open() as octane:
        workspace = octane.workspace("1002")
        assert len(workspace.create("defects", [{"name": "漢"}] * 450)) == 450
        with pytest.raises(PartialError) as caught:
            workspace.update("defects", [{"name": "bad"}, {"name": "good"}])
    assert sizes == [200, 200, 50, 2]
    assert caught.value.rows == [{"id": "9"}]


def test_deleting_accepts_an_empty_answer() -> None:
    server = Server(answering(httpx.Response(200)))
    with server.open() as octane:
        octane.workspace("1002").delete("defects", "7")
    assert server.requests[1].method == "DELETE"


def test_metadata_is_asked_in_batches() -> None:
    names = [f"entity_{n}" for n in range(45)]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/entities"):
            rows: list[dict[str, object]] = [{"name": name, "features": []} for name in names]
            return httpx.Response(200, json={"data": rows, "total_count": len(rows)})
        asked = [name for name in names if f"^{name}^" in request.url.params["query"]]
        rows = [{"entity_name": one, "name": "name", "field_type": "string"} for one in asked]
        return httpx.Response(200, json={"data": rows, "total_count": len(rows)})

    server = Server(handler)
    with server.open() as octane:
        metadata = octane.workspace("1002").metadata()
    assert set(metadata.entity_types) == set(names)
    assert all("name" in one.fields for one in metadata.entity_types.values())
    assert len(server.requests) == 1 + 1 + 3


def test_secrets_show_in_no_representation_and_no_error_of_any_answer() -> None:
    echo = "canary-secret canary-1"
    answers = [
        httpx.Response(status, json={"error_code": "x", "description": echo})
        for status in (400, 401, 403, 404, 409, 500, 503)
    ]
    answers += [httpx.Response(200, text=f"<title>{echo}</title>"), httpx.Response(200, text=echo)]
    for answer in answers:
        server = Server(lambda request, answer=answer: answer)  # type: ignore[misc]
        with server.open() as octane:
            with pytest.raises(ServerError) as caught:
                read(octane)
            shown = [*traceback.format_exception(caught.value), repr(octane), repr(vars(octane))]
        assert "canary" not in "".join(shown), answer


# --- whole collections --------------------------------------------------------------------------


def collection(ids: list[str], *, drop: str | None = None, cap: int = 10**9) -> Handler:
    """A server that knows `id GT`, `id BTW` and offset; `drop` withholds a row it counts."""

    def handler(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        query, matching = params.get("query", '""').strip('"'), ids
        if query.startswith("id GT "):
            matching = [one for one in ids if int(one) > int(query[6:])]
        elif query.startswith("id BTW "):
            low, high = query[7:].split("...")
            matching = [one for one in ids if int(low) <= int(one) <= int(high)]
        start, limit = int(params.get("offset", 0)), int(params["limit"])
        page = [one for one in matching if one != drop][start : start + limit]
        counted = min(len(matching), cap)
        body = {
            "total_count": counted,
            "data": [{"id": one} for one in page],
            "exceeds_total_count": len(matching) > cap,
        }
        return httpx.Response(200, json=body)

    return handler


def keys(workspace: Workspace, page_size: int = 3) -> list[str]:
    pages = rows_by_key(workspace, "defects", ["id"], page_size=page_size)
    return [row["id"] for page in pages for row in page.rows]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("cap", [2, 1000])
def test_every_row_is_read_once_whatever_the_last_page_holds(count: int, cap: int) -> None:
    ids = [str(1001 + 2 * n) for n in range(count)]
    with Server(collection(ids, cap=cap)).open() as octane:
        workspace = octane.workspace("1002")
        if cap >= 3 or count <= cap:
            assert keys(workspace) == ids
        else:
            assert keys(workspace, page_size=2) == ids


def test_named_ids_are_read_by_offset() -> None:
    ids = [f"phase.{n}" for n in range(7)]
    with Server(collection(ids)).open() as octane:
        assert keys(octane.workspace("1002")) == ids


@pytest.mark.parametrize("ids", [["1", "2", "3", "4", "5"], ["a", "b", "c", "d", "e"]])
@pytest.mark.parametrize("place", [1, 4])
def test_a_withheld_row_is_found(ids: list[str], place: int) -> None:
    with (
        Server(collection(ids, drop=ids[place])).open() as octane,
        pytest.raises(AnswerError, match="trusted"),
    ):
        keys(octane.workspace("1002"))


@pytest.mark.parametrize(
    "pages",
    [
        [["1", "2"], ["1", "2"]],
        [["2", "1"]],
        [["1", "1"]],
        [["1", "x"], ["x", "y"]],
    ],
)
def test_repeated_and_misplaced_rows_are_found(pages: list[list[str]]) -> None:
    answers = [ok(total_count=5, data=[{"id": one} for one in page]) for page in pages]
    with (
        Server(answering(*answers)).open() as octane,
        pytest.raises(AnswerError, match="trusted"),
    ):
        keys(octane.workspace("1002"), page_size=2)


def test_counting_goes_on_in_halves_where_the_server_stops() -> None:
    ids = [str(n) for n in range(1, 21)]
    with Server(collection(ids, cap=3)).open() as octane:
        workspace = octane.workspace("1002")
        assert count_exactly(workspace, "defects", 1, 20) == 20
        with pytest.raises(AnswerError, match="more than 3"):
            workspace.count("defects")


def test_windows_adjoin_and_cover() -> None:
    assert list(id_windows(5, 12, 3)) == [(5, 7), (8, 10), (11, 12)]
    assert list(id_windows(5, 5, 3)) == [(5, 5)]
    assert list(id_windows(6, 5, 3)) == []
    with pytest.raises(ValueError, match="at least one"):
        list(id_windows(1, 2, 0))


def test_an_unusable_certificate_file_is_a_setting_to_correct(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    settings = Settings("https://octane.example", "1001", None, KEY, ca_file=file)
    with pytest.raises(UsageError, match="OCTANE_CA_FILE"):
        HttpTransport(settings)


def test_request_errors_keep_the_code_for_the_reader() -> None:
    answer = httpx.Response(400, json={"error_code": "platform.exceeds_max_total_count"})
    with Server(answering(answer)).open() as octane, pytest.raises(RequestError) as caught:
        read(octane)
    assert caught.value.error_code == "platform.exceeds_max_total_count"
