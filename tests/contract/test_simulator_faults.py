"""Every fault does what KINDS says, from the start and through the control route."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator, serve
from octane_simulator.faults.fault_kinds import KINDS
from tests.contract.contract_requests import KEY, NOW, WS, client_of, get, make, switch


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW)
    yield simulator
    simulator.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with client_of(simulator) as client:
        yield client


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
    monkeypatch.setattr("octane_simulator.faults.broken_answers.sleep", waited.append)
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
        400,
        "platform.exceeds_max_total_count",
    )
    assert count(query='"id LT 1005"') == (4, False)


def test_the_size_of_pages_can_be_set(client: httpx.Client) -> None:
    switch(client, "page_size", default=3, max=20)
    assert len(get(client, "phases")["data"]) == 3
    assert client.get(f"{WS}/phases", params={"limit": "21"}).status_code == 400
    client.delete("/simulator/faults")
    assert len(get(client, "phases")["data"]) > 50


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


# -- the control route --------------------------------------------------------------------------


def test_what_is_in_force_is_shown_and_cleared(client: httpx.Client) -> None:
    body = {"add": ["rotate", {"kind": "count_cap", "max": 5}, {"kind": "error_500", "times": 2}]}
    shown = client.put("/simulator/faults", json=body).json()
    assert [entry["kind"] for entry in shown["in_force"]] == ["count_cap", "rotate", "error_500"]
    assert client.get("/api/current_user").status_code == 500
    shown = client.get("/simulator/faults").json()
    assert shown["served"] == {"error_500": 1}
    assert shown["in_force"][-1] == {
        "kind": "error_500",
        "times": 1,
        "path": "",
        "after": 0,
        "chance": 1.0,
    }
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
         "takes string, memo"),
        ("POST", "faults", {"kind": "add_field", "field": "defect.a_udf", "list_root": "x"}, 400,
         "There is no list 'x'"),
        ("POST", "faults", {"kind": "add_field", "field": "defect.a_udf", "target": "x"}, 400,
         "no entity type 'x'"),
        ("POST", "faults", {"kind": "remove_field", "field": "defect.id"}, 400, "be removed"),
        ("POST", "faults", {"kind": "latency", "seconds": None}, 400, "a number up to"),
        ("POST", "faults", {"kind": "refuse", "entity": None}, 400, "is text"),
        ("PUT", "clock", {"advance": 1e30}, 400, "control request"),
        ("POST", "faults", [1], 400, "control request"),
        ("PUT", "faults", {"refuse": ["defect"]}, 400, "use clear, remove, add"),
        ("PUT", "faults", {"add": [{}]}, 400, "needs its kind"),
        ("PUT", "clock", {"forward": 1}, 400, "use now, frozen, advance"),
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
        faults=[
            {"kind": "unavailable", "path": "/phases"},
            {"kind": "page_size", "default": 2},
            {"kind": "add_field", "field": "story.size_udf", "list_root": "list_node.severity"},
        ],
    )
    with client_of(simulator) as client:
        assert client.get(f"{WS}/phases").status_code == 503
        assert len(get(client, "phases")["data"]) == 2
        assert field_type(client, "story", "size_udf") == "reference"
    simulator.close()
    with pytest.raises(ValueError, match="There is no fault"):
        Simulator(faults=[{"kind": "bad day"}])


def test_no_fault_is_without_a_test() -> None:
    modules = Path(__file__).parent.glob("test_*.py")
    text = "".join(path.read_text("utf-8") for path in modules)
    assert {kind for kind in KINDS if f'"{kind}"' not in text} == set()
