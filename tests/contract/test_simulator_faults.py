"""Every fault does what KINDS says, asked for at start and live over the control route."""

from __future__ import annotations

import gzip
import html
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from octane_flows.simulator import Simulator, serve
from octane_flows.simulator.fault_kinds import KINDS

NOW = datetime(2021, 1, 20, 21, tzinfo=UTC)
WS = "/api/shared_spaces/1001/workspaces/1002"
PREVIEW = {"ALM-OCTANE-TECH-PREVIEW": "true"}
KEY = {"client_id": "simulator_client", "client_secret": "simulator_secret"}


@contextmanager
def client_of(simulator: Simulator) -> Iterator[httpx.Client]:
    transport = httpx.WSGITransport(app=simulator.wsgi)
    with httpx.Client(transport=transport, base_url="http://octane", headers=PREVIEW) as client:
        client.post("/authentication/sign_in", json=KEY).raise_for_status()
        yield client


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW)
    yield simulator
    simulator.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with client_of(simulator) as client:
        yield client


def switch(client: httpx.Client, kind: str, **options: Any) -> None:
    answer = client.post("/simulator/faults", json={"kind": kind, **options})
    assert answer.status_code == 200, answer.text


def make(client: httpx.Client, collection: str, *rows: dict[str, Any]) -> list[str]:
    answer = client.post(f"{WS}/{collection}", json={"data": list(rows)})
    assert answer.status_code == 201, answer.text
    return [row["id"] for row in answer.json()["data"]]


def get(client: httpx.Client, path: str, **params: str) -> Any:
    answer = client.get(f"{WS}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


# -- answers ------------------------------------------------------------------------------------


def test_answers_can_be_emptied_and_cut(simulator: Simulator, client: httpx.Client) -> None:
    switch(client, "empty_body")
    answer = client.get(f"{WS}/phases")
    assert (answer.status_code, answer.content) == (200, b"")
    assert get(client, "phases")["total_count"] > 100
    with serve(simulator) as running, httpx.Client(base_url=running.url) as real:
        real.post("/authentication/sign_in", json=KEY)
        switch(real, "cut_body", path="/phases")
        with pytest.raises(httpx.RemoteProtocolError):
            real.get(f"{WS}/phases")
        assert real.get(f"{WS}/phases").json()["total_count"] > 100


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, None),
        ({"retry_after": 2}, "2"),
        ({"retry_after": 60, "as_date": True}, "Wed, 20 Jan 2021 21:01:00 GMT"),
    ],
)
def test_too_many_requests_with_and_without_a_wait(
    client: httpx.Client, options: dict[str, Any], header: str | None
) -> None:
    switch(client, "too_many_requests", **options)
    answer = client.get(f"{WS}/phases")
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)
    assert client.get(f"{WS}/phases").status_code == 200


def test_an_unavailable_server_answers_in_html(client: httpx.Client) -> None:
    switch(client, "unavailable", times=2, after=1, path="/phases")
    statuses = [client.get(f"{WS}/phases").status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]
    switch(client, "unavailable", times=None)
    answer = client.get(f"{WS}/phases")
    assert (answer.headers["Content-Type"], "<html>" in answer.text) == ("text/html", True)
    assert client.post("/authentication/sign_in", json=KEY).status_code == 200
    switch(client, "unavailable", path="/authentication/sign_in")
    assert client.post("/authentication/sign_in", json=KEY).status_code == 503


def test_latency_has_a_median_and_a_spread(
    simulator: Simulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("octane_flows.simulator.misbehave.time.sleep", waited.append)
    switch(client, "latency", seconds=0.2, spread=0.5)
    for _ in range(200):
        client.get("/api/current_user")
    waited.sort()
    assert 0.17 < waited[100] < 0.23
    assert waited[190] > 0.35
    client.delete("/simulator/faults")
    switch(client, "latency", seconds=0.2)
    client.get("/api/current_user")
    assert waited[-1] == 0.2


def test_errors_from_before_the_rest_layer_have_one_key(client: httpx.Client) -> None:
    switch(client, "servlet_error", status=403)
    answer = client.get(f"{WS}/phases")
    assert (answer.status_code, set(answer.json())) == (403, {"message"})
    assert json.loads(html.unescape(answer.json()["message"]))["errorCode"] == "SERVLET_ERROR"


# -- sessions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "scope"), [("idle", "IDLE"), ("absolute", "GLOBAL")])
def test_sessions_end_on_demand(client: httpx.Client, reason: str, scope: str) -> None:
    switch(client, "expire", reason=reason, after=1)
    assert client.get("/api/current_user").status_code == 200
    answer = client.get("/api/current_user")
    assert answer.status_code == 401
    assert answer.json()["errorCode"] == f"VALIDATION_TOKEN_EXPIRED_{scope}_TIME_OUT"
    client.post("/authentication/sign_in", json=KEY)
    assert client.get("/api/current_user").status_code == 200


def test_cookies_are_renewed_on_demand(client: httpx.Client) -> None:
    switch(client, "rotate", times=2)
    seen = [client.cookies["LWSSO_COOKIE_KEY"]]
    for _ in range(3):
        client.get("/api/current_user")
        seen.append(client.cookies["LWSSO_COOKIE_KEY"])
    assert (len(set(seen)), seen[2]) == (3, seen[3])


def test_the_life_of_sessions_can_be_set_and_set_back(
    simulator: Simulator, client: httpx.Client
) -> None:
    switch(client, "session_life", idle=5, rotate_every=1)
    now = simulator.auth.monotonic()
    cookie = client.cookies["LWSSO_COOKIE_KEY"]
    client.get("/api/current_user")
    assert client.cookies["LWSSO_COOKIE_KEY"] != cookie
    simulator.auth.monotonic = lambda: now + 60
    assert client.get("/api/current_user").status_code == 401
    client.delete("/simulator/faults")
    assert (simulator.auth.idle_s, simulator.auth.rotate_every) == (3 * 3600, 50)


# -- pages --------------------------------------------------------------------------------------


def test_pages_shift_repeat_and_lose_rows(client: httpx.Client) -> None:
    ids = make(client, "user_tags", *({"name": str(n)} for n in range(8)))

    def page(offset: int) -> list[str]:
        body = get(client, "user_tags", order_by="id", limit="2", offset=str(offset))
        return [row["id"] for row in body["data"]]

    switch(client, "shifted_page", by=1)
    assert (page(0), page(2), page(4)) == (ids[:2], ids[3:5], ids[4:6])
    switch(client, "shifted_page", by=-1)
    assert page(2) == ids[1:3]
    switch(client, "repeated_page")
    assert (page(4), page(6)) == (ids[1:3], ids[6:])
    switch(client, "short_page")
    assert page(2) == ids[2:3]
    switch(client, "duplicate_row")
    assert page(2) == [ids[2], *ids[2:4]]


def test_counts_can_be_low_limited_and_capped(client: httpx.Client) -> None:
    make(client, "user_tags", *({"name": str(n)} for n in range(8)))

    def count(**params: str) -> tuple[int, bool]:
        body = get(client, "user_tags", limit="1", **params)
        return body["total_count"], body["exceeds_total_count"]

    assert count() == (8, False)
    switch(client, "low_total")
    assert (count(), count()) == ((7, True), (8, False))
    switch(client, "low_total", total=3)
    assert count() == (3, True)
    switch(client, "count_limit", max=5)
    assert (count(), count(query='"name EQ ^1^"')) == ((5, True), (1, False))
    switch(client, "count_cap", max=6)
    answer = client.get(f"{WS}/user_tags")
    assert (answer.status_code, answer.json()["error_code"]) == (
        400, "platform.exceeds_max_total_count",
    )  # fmt: skip
    assert count(query='"id LT 1005"') == (4, False)


def test_the_size_of_pages_can_be_set(client: httpx.Client) -> None:
    switch(client, "page_size", default=3, max=20)
    assert len(get(client, "phases")["data"]) == 3
    assert client.get(f"{WS}/phases", params={"limit": "21"}).status_code == 400
    client.delete("/simulator/faults")
    assert len(get(client, "phases")["data"]) == 50


# -- time ---------------------------------------------------------------------------------------


def test_a_late_commit_is_stamped_in_the_past(client: httpx.Client) -> None:
    first, second = make(client, "defects", {"name": "in time"}, {"name": "later changed"})
    client.put("/simulator/clock", json={"advance": 300})
    switch(client, "late_commit", seconds=120, times=2)
    (late,) = make(client, "defects", {"name": "late"})
    client.put(f"{WS}/defects/{second}", json={"name": "changed late"})
    client.put(f"{WS}/defects/{first}", json={"name": "changed in time"})

    def stamps(identifier: str) -> tuple[str, str]:
        row = get(client, f"defects/{identifier}", fields="creation_time,last_modified")
        return row["creation_time"][11:], row["last_modified"][11:]

    assert stamps(late) == ("21:03:00Z", "21:03:00Z")
    assert stamps(second) == ("21:00:00Z", "21:03:00Z")
    assert stamps(first) == ("21:00:00Z", "21:05:00Z")


def test_the_date_header_can_differ_from_the_stamps(client: httpx.Client) -> None:
    switch(client, "clock_skew", seconds=-90)
    answer = client.post(f"{WS}/defects?fields=last_modified", json={"data": [{"name": "x"}]})
    assert answer.headers["Date"] == "Wed, 20 Jan 2021 20:58:30 GMT"
    assert answer.json()["data"][0]["last_modified"] == "2021-01-20T21:00:00Z"


# -- permissions and fields ---------------------------------------------------------------------


def test_permission_is_taken_and_given_back(client: httpx.Client) -> None:
    make(client, "defects", {"name": "a defect"})
    make(client, "stories", {"name": "a story"})
    switch(client, "refuse", entity="defect")
    answer = client.get(f"{WS}/defects")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "platform.not_authorized")
    seen = {row["type"] for row in get(client, "work_items")["data"]}
    assert seen == {"story", "work_item_root"}
    switch(client, "refuse", entity="defect", status=404)
    assert client.get(f"{WS}/defects").status_code == 404
    body = {"remove": [{"kind": "refuse", "entity": "defect"}]}
    assert client.put("/simulator/faults", json=body).status_code == 200
    assert get(client, "defects")["total_count"] == 1


def field_type(client: httpx.Client, entity: str, name: str) -> str | None:
    query = f"\"entity_name EQ '{entity}';name EQ '{name}'\""
    rows = get(client, "metadata/fields", query=query)["data"]
    return rows[0]["field_type"] if rows else None


def test_fields_come_go_and_change_type(client: httpx.Client) -> None:
    switch(client, "add_field", field="defect.mood_udf", type="integer")
    (defect,) = make(client, "defects", {"name": "x", "mood_udf": 7, "story_points": 13})
    assert field_type(client, "defect", "mood_udf") == "integer"
    assert get(client, f"defects/{defect}", fields="mood_udf")["mood_udf"] == 7

    switch(client, "retype_field", field="defect.story_points", type="string")
    assert field_type(client, "defect", "story_points") == "string"
    assert get(client, f"defects/{defect}", fields="story_points")["story_points"] == "13"
    make(client, "defects", {"name": "y", "story_points": "many"})
    switch(client, "retype_field", field="defect.story_points", type="float")
    rows = get(client, "defects", fields="story_points", order_by="id")["data"]
    assert [row["story_points"] for row in rows] == [13.0, None]

    switch(client, "retype_field", field="defect.has_attachments", type="string")
    assert get(client, f"defects/{defect}", fields="has_attachments")["has_attachments"] == "false"

    switch(client, "remove_field", field="defect.mood_udf")
    assert field_type(client, "defect", "mood_udf") is None
    answer = client.get(f"{WS}/defects", params={"fields": "mood_udf"})
    assert answer.json()["error_code"] == "platform.unknown_field"


@pytest.mark.parametrize(
    ("entity", "name"),
    [("run_manual", "test"), ("run_manual", "native_status"), ("test_manual", "name")],
)
def test_what_clients_no_longer_know_the_server_still_uses(
    client: httpx.Client, entity: str, name: str
) -> None:
    (test,) = make(client, "manual_tests", {"name": "M"})
    row = {"name": "R", "test": {"type": "test_manual", "id": test}}
    (before,) = make(client, "manual_runs", row)
    switch(client, "remove_field", field=f"{entity}.{name}")
    last = get(client, "manual_runs", query='"is_test_last_run EQ true"')["data"]
    assert [run["id"] for run in last] == [before]
    passed = {"type": "list_node", "id": "list_node.run_native_status.passed"}
    changed = client.put(f"{WS}/manual_runs/{before}", json={"native_status": passed})
    assert changed.status_code == (400 if name == "native_status" else 200)
    assert client.delete(f"{WS}/manual_tests/{test}").status_code == 200
    assert client.get(f"{WS}/manual_runs/{before}").status_code == 404


def test_metadata_alone_can_be_odd(client: httpx.Client) -> None:
    switch(client, "odd_type", field="story.name")
    switch(client, "odd_type", field="story.story_points", type="object")
    assert [field_type(client, "story", name) for name in ("name", "story_points")] == [
        "matrix",
        "object",
    ]
    switch(client, "missing_targets", field="story.owner")
    query = "\"entity_name EQ 'story';name EQ 'owner'\""
    (row,) = get(client, "metadata/fields", query=query)["data"]
    assert row["field_type_data"] == {"multiple": False, "targets": None}


# -- versions -----------------------------------------------------------------------------------


def test_the_default_order_follows_the_version(client: httpx.Client) -> None:
    ids = make(client, "user_tags", {"name": "b"}, {"name": "a"})
    switch(client, "default_order", by="name")
    assert [row["id"] for row in get(client, "user_tags")["data"]] == ids[::-1]
    client.put("/simulator/faults", json={"remove": ["default_order"]})
    assert [row["id"] for row in get(client, "user_tags")["data"]] == ids


def test_ids_of_phases_can_be_numeric_as_they_once_were(client: httpx.Client) -> None:
    (old,) = make(client, "defects", {"name": "old"})
    switch(client, "phase_ids", form="numeric")
    phase = get(client, f"defects/{old}", fields="phase")["phase"]
    assert phase["id"].isdecimal()
    row = get(client, f"phases/{phase['id']}", fields="logical_name,metaphase")
    assert row["logical_name"] == "phase.defect.new"
    assert row["metaphase"]["id"].isdecimal()
    found = get(client, "defects", query=f'"phase EQ {{id EQ {phase["id"]}}}"')
    assert [row["id"] for row in found["data"]] == [old]
    fixed = get(client, "phases", query='"logical_name EQ ^phase.defect.fixed^"')["data"][0]
    body = {"phase": {"type": "phase", "id": fixed["id"]}}
    client.put(f"{WS}/defects/{old}", json=body).raise_for_status()
    (new,) = make(client, "defects", {"name": "new"})
    client.delete("/simulator/faults")
    rows = get(client, "defects", fields="phase,fixed_on", order_by="id")["data"]
    assert [row["phase"]["id"] for row in rows] == ["phase.defect.fixed", "phase.defect.new"]
    assert (rows[0]["fixed_on"], rows[1]["id"]) == ("2021-01-20T21:00:00Z", new)


def test_rows_of_aggregates_show_either_type(client: httpx.Client) -> None:
    make(client, "defects", {"name": "x"})
    types = {}
    for form in ("concrete", "aggregate"):
        switch(client, "aggregate_type", form=form)
        query = '"subtype EQ ^defect^"'
        (row,) = get(client, "work_items", query=query, fields="subtype")["data"]
        types[form] = (row["type"], row["subtype"])
    assert types == {"concrete": ("defect", "defect"), "aggregate": ("work_item", "defect")}


# -- the control route --------------------------------------------------------------------------


def test_what_is_in_force_is_shown_and_cleared(client: httpx.Client) -> None:
    body = {"add": ["rotate", {"kind": "count_cap", "max": 5}, {"kind": "error_500", "times": 2}]}
    shown = client.put("/simulator/faults", json=body).json()
    assert [one["kind"] for one in shown["in_force"]] == ["count_cap", "rotate", "error_500"]
    assert client.get("/api/current_user").status_code == 500
    shown = client.get("/simulator/faults").json()
    assert shown["served"] == {"error_500": 1}
    assert shown["in_force"][-1] == {
        "kind": "error_500", "times": 1, "path": "", "after": 0, "chance": 1.0,
    }  # fmt: skip
    assert client.delete("/simulator/faults").json()["in_force"] == []
    assert client.get(f"{WS}/phases").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "faults", {"kind": "nonsense"}, 400, "There is no fault 'nonsense'"),
        ("POST", "faults", {"kind": "count_cap"}, 400, "needs max"),
        ("POST", "faults", {"kind": "latency", "seconds": "soon"}, 400, "is a number"),
        ("POST", "faults", {"kind": "refuse", "entity": "defects"}, 400, "no entity type"),
        ("POST", "faults", {"kind": "remove_field", "field": "defect.x"}, 400, "no field 'x'"),
        ("POST", "faults", {"kind": "retype_field", "field": "defect.owner", "type": "string"}, 400,
         "Only a scalar field"),
        ("POST", "faults", {"kind": "phase_ids", "form": "roman"}, 400, "named, numeric"),
        ("POST", "faults", {"kind": "clock_skew", "seconds": 1e30}, 400, "a number up to"),
        ("POST", "faults", {"kind": "count_cap", "max": 1.5}, 400, "a whole number up to"),
        ("POST", "faults", {"kind": "add_field", "field": "defect.x' || '_udf"}, 400, "_udf"),
        ("POST", "faults", {"kind": "add_field", "field": "defect.a_udf", "type": "matrix"}, 400,
         "one of string, memo"),
        ("POST", "faults", {"kind": "add_field", "field": "defect.a_udf", "list_root": "x"}, 400,
         "There is no list 'x'"),
        ("POST", "faults", {"kind": "add_field", "field": "defect.a_udf", "target": "x"}, 400,
         "no entity type 'x'"),
        ("POST", "faults", {"kind": "remove_field", "field": "defect.id"}, 400, "be removed"),
        ("POST", "faults", {"kind": "latency", "seconds": None}, 400, "a number up to"),
        ("POST", "faults", {"kind": "refuse", "entity": None}, 400, "is text"),
        ("PUT", "clock", {"advance": 1e30}, 400, "control request"),
        ("POST", "faults", [1], 400, "control request"),
        ("PUT", "faults", {"refuse": ["defect"]}, 400, "known: clear, remove, add"),
        ("PUT", "faults", {"add": [{}]}, 400, "needs its kind"),
        ("PUT", "clock", {"forward": 1}, 400, "known: now, frozen, advance"),
        ("PUT", "clock", {"now": "yesterday"}, 400, "control request"),
        ("PUT", "state", {}, 405, "405"),
        ("GET", "nothing", None, 404, "404"),
    ],
)  # fmt: skip
def test_wrong_control_requests_are_named(
    client: httpx.Client, method: str, path: str, body: Any, status: int, text: str
) -> None:
    answer = client.request(method, f"/simulator/{path}", json=body)
    assert answer.status_code == status
    assert text in answer.json()["description"]


def test_faults_can_be_given_at_start() -> None:
    simulator = Simulator(
        clock=NOW,
        faults=[{"kind": "unavailable", "path": "/phases"}, {"kind": "page_size", "default": 2},
                {"kind": "add_field", "field": "story.size_udf",
                 "list_root": "list_node.severity"}],
    )  # fmt: skip
    with client_of(simulator) as client:
        assert client.get(f"{WS}/phases").status_code == 503
        assert len(get(client, "phases")["data"]) == 2
        assert field_type(client, "story", "size_udf") == "reference"
    simulator.close()
    with pytest.raises(ValueError, match="There is no fault"):
        Simulator(faults=[{"kind": "bad day"}])


def test_no_fault_is_without_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    elsewhere = {"html_200", "error_500"}  # test_simulator_http.py
    assert {kind for kind in KINDS if f'"{kind}"' not in text} - elsewhere == set()


# -- two runs are one ---------------------------------------------------------------------------


def _story(client: httpx.Client) -> Iterator[httpx.Response]:
    """Sign-in, writes, reads, refusals, faults by chance: all that carries made-up ids."""
    client.put("/simulator/faults", json={"add": [
        {"kind": "unavailable", "times": None, "chance": 0.3, "path": "/defects"},
        {"kind": "session_life", "rotate_every": 2},
        {"kind": "too_many_requests", "after": 3, "retry_after": 5, "as_date": True},
    ]})  # fmt: skip
    yield client.post("/authentication/sign_in", json=KEY)
    for number in range(12):
        yield client.post(f"{WS}/defects", json={"data": [{"name": f"No. {number}"}]})
        yield client.get(f"{WS}/defects", params={"fields": "name,logical_name,creation_time"})
    yield client.post(f"{WS}/user_tags", json={"data": [{"name": "a"}, {"name": "a"}, {"nam": 1}]})
    yield client.put(f"{WS}/defects/1", json={"name": "nobody"})
    yield client.get("/no/such/path")
    run = '<test_run name="t" duration="5" status="Passed"/>'
    xml = f"<test_result><test_runs>{run}</test_runs></test_result>"
    answer = client.post(f"{WS}/test-results", content=xml,
                         headers={"Content-Type": "application/xml"})  # fmt: skip
    yield answer
    yield client.get(f"{WS}/test-results/{answer.json().get('id')}")
    yield client.get(f"{WS}/tests", params={"fields": "name,logical_name,version_stamp"})
    yield client.get(f"{WS}/metadata/fields", params={"query": "\"entity_name EQ 'defect'\""})
    yield client.post("/authentication/sign_out")
    yield client.get("/api/current_user")


def _transcript(seed: int) -> list[tuple[int, list[tuple[bytes, bytes]], bytes]]:
    """Status, headers and the bytes on the wire of each answer."""
    simulator = Simulator(clock=NOW, seed=seed)
    wire: list[bytes] = []

    def recording(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        parts = list(simulator.wsgi(environ, start_response))
        wire.append(b"".join(parts))
        return parts

    transport = httpx.WSGITransport(app=recording)
    with httpx.Client(transport=transport, base_url="http://octane", headers=PREVIEW) as client:
        answers = list(_story(client))
    simulator.close()
    return [
        (answer.status_code, answer.headers.raw, body)
        for answer, body in zip(answers, wire[1:], strict=True)
    ]


def test_two_runs_with_one_seed_are_the_same_byte_for_byte() -> None:
    first, second, other = _transcript(7), _transcript(7), _transcript(8)
    assert first == second
    statuses = {status for status, _, _ in first}
    assert statuses >= {200, 201, 202, 401, 404, 409, 429, 503}
    assert any(b"correlation_id" in body for _, _, body in first)
    packed = [body for _, _, body in first if body[:2] == b"\x1f\x8b"]
    assert packed
    assert all(json.loads(gzip.decompress(body)) for body in packed)
    assert first != other
