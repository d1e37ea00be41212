"""The client's pure parts, with literals: responses, retries, the gate."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from octane_flows.client.concurrency import Gate
from octane_flows.client.response import read_json
from octane_flows.client.retry import RetryBudget, RetryPolicy, may_repeat, retry_after_s
from octane_flows.client.transport import Response, TransportError
from octane_flows.errors import (
    AccessError,
    AddressError,
    AnswerError,
    NotFoundError,
    PartialError,
    RequestError,
    ServerError,
    SignInError,
    UnavailableError,
)

NOW = datetime(2021, 1, 20, 21, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><head><title>Sign in &amp; go</title></head></html>"


def body(**more: object) -> bytes:
    return json.dumps({"error_code": "platform.x", "description": "It is so", **more}).encode()


def test_a_good_response_is_its_json_even_without_a_charset() -> None:
    assert read_json(Response(200, (), '{"n":"ä"}'.encode()), "reading") == {"n": "ä"}


@pytest.mark.parametrize(
    ("response", "kind", "parts"),
    [
        (Response(200, (), HTML), AnswerError, ['web page "Sign in & go"', "OCTANE_URL"]),
        (Response(200, (), b""), AnswerError, ["empty body"]),
        (Response(200, (), b'{"data":[{"id"'), AnswerError, ["not whole JSON", "try again"]),
        (
            Response(302, (("location", "/sso"),), b""),
            AnswerError,
            ["redirected", "API access key"],
        ),
        (Response(400, (), body()), RequestError, ["status 400 platform.x: It is so; correct"]),
        (Response(401, (), b'{"errorCode":"VALIDATION_X"}'), SignInError, ["401 VALIDATION_X"]),
        (Response(403, (), body()), AccessError, ["ask for a role"]),
        (
            Response(403, (), body(error_code="platform.modify_non_editable_field")),
            RequestError,
            ["correct the request"],
        ),
        (Response(404, (), body()), NotFoundError, ["check the ids"]),
        (Response(409, (), body()), RequestError, ["409"]),
        (Response(500, (), b""), ServerError, ["status 500; the server failed"]),
        (Response(503, (), HTML), UnavailableError, ["503", "later"]),
        (Response(429, (), b""), UnavailableError, ["allows no more requests now", "later"]),
        (
            Response(429, (("retry-after", "7200"),), b""),
            UnavailableError,
            ["asks to wait 7,200 seconds"],
        ),
        (
            Response(503, (("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"),), b""),
            UnavailableError,
            ["asks to wait until Wed, 21 Oct 2026 07:28:00 GMT"],
        ),
        (
            Response(503, (("retry-after", "nan"),), b""),
            UnavailableError,
            ["busy or down; try again later."],
        ),
        (Response(304, (), b""), AnswerError, ["sends no data", "caches"]),
        (Response(414, (), HTML), AddressError, ["no address or headers of this length"]),
        (Response(431, (), b""), AddressError, ["no address or headers of this length"]),
        (Response(413, (), HTML), RequestError, ["no request of this size"]),
        (Response(407, (), HTML), UnavailableError, ["the proxy and not the server"]),
        (Response(400, (), HTML), RequestError, ["web page"]),
        (
            Response(200, (), b'{"a":"gr\xf6\xdfe"}'),
            AnswerError,
            ["not UTF-8 (first at 8)", "Latin-1"],
        ),
        (Response(500, (), b"gr\xf6\xdfe"), ServerError, ["größe"]),
        (Response(200, (), b"[" * 100_000), AnswerError, ["nested too deep"]),
        (
            Response(200, (), b'{"errorCode":"X","accumulatedMessage":"no."}'),
            AnswerError,
            ["status 200 and an error (X no) in place of data"],
        ),
        (Response(400, (), b'{"message":"plain words"}'), RequestError, ["plain words"]),
        (
            Response(400, (), b'{"message":"{&quot;error_code&quot;:&quot;platform.y&quot;}"}'),
            RequestError,
            ["400 platform.y"],
        ),
        (Response(400, (), b"[]"), RequestError, ["400"]),
        (Response(400, (), b"\xff\x00 bytes"), RequestError, ["bytes"]),
    ],
)
def test_every_shape_of_failure_is_one_sentence_with_a_remedy(
    response: Response, kind: type[ServerError], parts: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        read_json(response, "reading defects")
    message = str(caught.value)
    assert message.startswith("Reading defects ")
    assert [part for part in parts if part not in message] == []
    assert type(caught.value) is kind


def test_the_count_limit_error_keeps_its_code() -> None:
    response = Response(400, (), body(error_code="platform.exceeds_max_total_count"))
    with pytest.raises(RequestError) as caught:
        read_json(response, "reading runs")
    assert caught.value.error_code == "platform.exceeds_max_total_count"


def test_a_partly_refused_write_names_both_halves() -> None:
    response = Response(
        409,
        (),
        b'{"total_count":1,"data":[{"id":"1"}],'
        b'"errors":[{"index":1,"error_code":"platform.entity_not_found","description":"No 7"}]}',
    )
    with pytest.raises(PartialError) as caught:
        read_json(response, "updating defects")
    assert caught.value.rows == [{"id": "1"}]
    assert caught.value.errors[0]["index"] == 1
    assert caught.value.error_code == "platform.entity_not_found"
    assert "1 of 2 rows" in str(caught.value)


def test_the_servers_message_is_redacted_and_kept_short() -> None:
    response = Response(400, (), body(description="key canary " + "x" * 1000))
    with pytest.raises(RequestError) as caught:
        read_json(response, "reading", redact=lambda text: text.replace("canary", "***"))
    assert "canary" not in str(caught.value)
    assert len(str(caught.value)) < 450


@pytest.mark.parametrize("before", range(285, 305))
def test_a_secret_where_the_message_is_cut_is_redacted_whole(before: int) -> None:
    message = "x" * before + "canary  secret"
    for response in (
        Response(400, (), body(description=message)),
        Response(400, (), message.encode()),
    ):
        with pytest.raises(RequestError) as caught:
            read_json(
                response, "reading", redact=lambda text: text.replace("canary  secret", "***")
            )
        assert "xc" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("Wed, 20 Jan 2021 21:00:30 GMT", 30.0),
        ("Wed, 20 Jan 2021 20:00:00 GMT", 0.0),
        ("soon", None),
        ("Wed, 20 Jan 99999999999999999999 21:00:30 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(Response(429, (("retry-after", text),)), NOW) == seconds


def test_a_retry_date_is_read_by_the_servers_own_clock() -> None:
    headers = (
        ("date", "Mon, 01 Jan 2001 00:00:00 GMT"),
        ("retry-after", "Mon, 01 Jan 2001 00:00:09 GMT"),
    )
    assert retry_after_s(Response(503, headers), NOW) == 9.0


UNSENT = TransportError("connect", "refused", sent=False)
CUT = TransportError("cut", "ended", sent=True)


@pytest.mark.parametrize(
    ("outcome", "method", "expected"),
    [
        (Response(408), "GET", True),
        (Response(502), "GET", True),
        (Response(504), "GET", True),
        (Response(500), "GET", False),
        (Response(500, (), b"Service Temporarily Unavailable"), "GET", True),
        (Response(200, (), b"<h1>Service Temporarily Unavailable</h1>"), "GET", True),
        (Response(200, (), b'{"data":["Service Temporarily Unavailable"]}'), "GET", False),
        (Response(400), "GET", False),
        (Response(403), "GET", False),
        (CUT, "GET", True),
        (UNSENT, "POST", True),
        (CUT, "POST", False),
        (CUT, "PUT", False),
        (Response(429), "POST", True),
        (Response(503), "POST", True),
        (Response(502), "POST", False),
        (TransportError("tls", "certificate", sent=False), "GET", False),
    ],
)
def test_only_what_is_temporary_and_cannot_act_twice_is_repeated(
    outcome: Response | TransportError, method: str, expected: bool
) -> None:
    assert may_repeat(outcome, is_harmless=method == "GET") is expected


def wait(attempt: int, spent_s: float = 0.0, retry_after: str | None = None) -> float | None:
    headers = (("retry-after", retry_after),) if retry_after else ()
    return RetryPolicy(total_s=100, base_s=1, cap_s=8, attempts=6).wait_s(
        Response(503, headers),
        is_harmless=True,
        attempt=attempt,
        spent_s=spent_s,
        random=lambda: 0.5,
        now=NOW,
    )


def test_waits_double_up_to_the_cap_and_end() -> None:
    assert [wait(attempt) for attempt in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 4.0, None]


def test_waits_keep_the_wait_that_the_server_asks_for_and_the_time_that_is_left() -> None:
    assert wait(1, retry_after="20") == 20.5
    assert wait(1, retry_after="101") is None
    assert wait(1, spent_s=99.8) is None


def test_retries_are_a_share_of_the_requests() -> None:
    budget = RetryBudget(floor=1, share=0.5)
    assert [budget.use(2), budget.use(2), budget.use(2)] == [True, True, False]
    assert budget.use(4)


def test_the_gate_opens_while_responses_are_fast_and_halves_once_per_refusal() -> None:
    gate = Gate(8)
    for _ in range(60):
        gate.record(0.01)
    assert gate.allowed == 8
    with gate.enter() as first, gate.enter() as second:
        gate.slow_down(first)
        gate.slow_down(second)
    assert gate.allowed == 4
    for _ in range(20):
        with gate.enter() as epoch:
            gate.slow_down(epoch)
    assert gate.allowed == 1


def test_the_gate_stays_when_responses_get_slow() -> None:
    gate = Gate(8)
    for _ in range(4):
        gate.record(0.01)
    before = gate.allowed
    for _ in range(8):
        gate.record(1.0)
    assert gate.allowed <= before + 1


def test_the_gate_never_passes_its_bound() -> None:
    gate = Gate(1)
    for _ in range(50):
        gate.record(0.01)
    assert gate.allowed == 1
