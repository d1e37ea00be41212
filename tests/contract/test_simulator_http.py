"""The simulator over real HTTP: sign-in, envelopes, headers, errors, writes and faults."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from octane_flows.simulator import Running, Simulator, serve

NOW = datetime(2021, 1, 20, 21, tzinfo=UTC)
WS = "/api/shared_spaces/1001/workspaces/1002"
PREVIEW = {"ALM-OCTANE-TECH-PREVIEW": "true"}


@pytest.fixture
def running() -> Iterator[Running]:
    simulator = Simulator(clock=NOW)
    with serve(simulator) as running:
        yield running
    simulator.close()


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url) as client:
        body = {"client_id": running.client_id, "client_secret": running.client_secret}
        client.post("/authentication/sign_in", json=body).raise_for_status()
        yield client


def make(client: httpx.Client, collection: str, *rows: dict[str, Any]) -> list[str]:
    answer = client.post(f"{WS}/{collection}", json={"data": list(rows)}, headers=PREVIEW)
    assert answer.status_code == 201, answer.text
    return [row["id"] for row in answer.json()["data"]]


def get(client: httpx.Client, path: str, **params: str) -> Any:
    answer = client.get(f"{WS}/{path}", params=params, headers=PREVIEW)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {
        "error_code", "correlation_id", "description", "description_translated", "properties",
        "stack_trace", "business_error",
    }  # fmt: skip
    assert len(body["correlation_id"]) == 25
    return answer.status_code, body["error_code"]


# -- sign-in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["client", "user", "key in user", "extra keys"])
def test_both_sign_in_bodies_are_taken(running: Running, form: str) -> None:
    bodies: dict[str, dict[str, object]] = {
        "client": {"client_id": running.client_id, "client_secret": running.client_secret},
        "user": {"user": running.user, "password": running.password},
        "key in user": {"user": running.client_id, "password": running.client_secret},
        "extra keys": {"enable_csrf": True, "user": running.user, "password": running.password},
    }
    with httpx.Client(base_url=running.url) as client:
        assert client.post("/authentication/sign_in", json=bodies[form]).status_code == 200
        assert set(client.cookies) == {"LWSSO_COOKIE_KEY", "OCTANE_USER"}
        assert client.get("/api/current_user").json()["id"] == "1001"


def test_wrong_credentials_and_no_session_are_401(running: Running) -> None:
    with httpx.Client(base_url=running.url) as client:
        body = {"user": running.user, "password": "wrong"}
        assert client.post("/authentication/sign_in", json=body).status_code == 401
        assert client.post("/authentication/sign_in", content=b"[]").status_code == 401
        answer = client.get("/api/current_user")
        assert (answer.status_code, "errorCode" in answer.json()) == (401, True)


def test_sign_out_ends_the_session(client: httpx.Client) -> None:
    token = client.cookies["LWSSO_COOKIE_KEY"]
    assert client.post("/authentication/sign_out").status_code == 200
    client.cookies.set("LWSSO_COOKIE_KEY", token)
    assert client.get("/api/current_user").status_code == 401


@pytest.mark.parametrize("absolute", [False, True])
def test_expiry_on_demand_names_its_reason(
    running: Running, client: httpx.Client, absolute: bool
) -> None:
    running.simulator.faults.expire(absolute=absolute)
    answer = client.get("/api/current_user")
    scope = "GLOBAL" if absolute else "IDLE"
    assert answer.status_code == 401
    assert answer.json()["errorCode"] == f"VALIDATION_TOKEN_EXPIRED_{scope}_TIME_OUT"


def test_sessions_die_of_idleness_and_of_age(running: Running, client: httpx.Client) -> None:
    auth = running.simulator.auth
    now = auth.monotonic()
    auth.monotonic = lambda: now + auth.idle_s - 1
    assert client.get("/api/current_user").status_code == 200
    auth.monotonic = lambda: now + 3 * auth.idle_s
    assert client.get("/api/current_user").json()["errorCode"].endswith("IDLE_TIME_OUT")
    body = {"client_id": running.client_id, "client_secret": running.client_secret}
    client.post("/authentication/sign_in", json=body)
    assert client.get("/api/current_user").status_code == 200
    auth.idle_s = 10 * auth.absolute_s
    auth.monotonic = lambda: now + 2 * auth.absolute_s
    assert client.get("/api/current_user").json()["errorCode"].endswith("GLOBAL_TIME_OUT")


def test_a_renewed_cookie_replaces_the_old_one_after_a_grace(
    running: Running, client: httpx.Client
) -> None:
    old = client.cookies["LWSSO_COOKIE_KEY"]
    running.simulator.faults.rotate()
    client.get("/api/current_user")
    assert client.cookies["LWSSO_COOKIE_KEY"] != old
    assert client.get("/api/current_user").status_code == 200
    stale = httpx.Cookies({"LWSSO_COOKIE_KEY": old})
    with httpx.Client(base_url=running.url, cookies=stale) as other:
        assert other.get("/api/current_user").status_code == 200
        auth = running.simulator.auth
        now = auth.monotonic()
        auth.monotonic = lambda: now + auth.grace_s + 1
        assert other.get("/api/current_user").status_code == 401


def test_cookies_are_renewed_now_and_then(running: Running, client: httpx.Client) -> None:
    running.simulator.auth.rotate_every = 3
    seen = set()
    for _ in range(9):
        assert client.get("/api/current_user").status_code == 200
        seen.add(client.cookies["LWSSO_COOKIE_KEY"])
    assert len(seen) == 4


def test_basic_and_bearer_need_no_sign_in(running: Running) -> None:
    with httpx.Client(base_url=running.url) as client:
        basic = httpx.BasicAuth(running.client_id, running.client_secret)
        assert client.get("/api/current_user", auth=basic).status_code == 200
        running.simulator.auth.basic_enabled = False
        assert client.get("/api/current_user", auth=basic).status_code == 401
        token = next(iter(running.simulator.auth.bearer_tokens))
        for value, status in ((token, 200), ("other", 401)):
            headers = {"Authorization": f"Bearer {value}"}
            assert client.get("/api/current_user", headers=headers).status_code == status


# -- addressing and headers ---------------------------------------------------------------------


def test_spaces_workspaces_and_version_can_be_listed(
    running: Running, client: httpx.Client
) -> None:
    running.simulator.forbid_workspace("1003")
    assert client.get("/api/shared_spaces").json()["data"][0]["id"] == "1001"
    params = {"fields": "id,name,logical_name", "query": '"activity_level EQ 0"'}
    rows = client.get("/api/shared_spaces/1001/workspaces", params=params).json()["data"]
    assert [row["id"] for row in rows] == ["1002", "1003"]
    assert "version" in client.get("/admin/server/version").json()
    forbidden = client.get("/api/shared_spaces/1001/workspaces/1003/defects")
    assert refusal(forbidden) == (403, "platform.not_authorized")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/shared_spaces/1001/workspaces/77/defects", 404, "platform.workspace_not_found"),
        ("/api/shared_spaces/7/workspaces/1002/defects", 404, "platform.web_application"),
        (f"{WS}/Defects", 404, "platform.web_application"),
        (f"{WS}/defects/1/2/3", 404, "platform.web_application"),
        (f"{WS}/defects/99", 404, "platform.entity_not_found"),
        (f"{WS}/defects/1001", 404, "platform.entity_not_found"),
        (f"{WS}/defects?fields=nonsense", 400, "platform.unknown_field"),
        (f"{WS}/defects?fields=ID", 400, "platform.unknown_field"),
        (f"{WS}/releases?fields=run", 400, "platform.unknown_field"),
        (f"{WS}/features?fields=children", 400, "platform.unknown_field"),
        (f"{WS}/defects?limit=0", 400, "platform.illegal_field_value"),
        (f"{WS}/defects?limit=1001", 400, "platform.illegal_field_value"),
        (f"{WS}/defects?offset=-1", 400, "platform.illegal_field_value"),
        (f"{WS}/defects?order_by=nonsense", 400, "platform.unknown_field"),
        (f"{WS}/defects?order_by=description", 400, "platform.field_not_sortable"),
        (f"{WS}/defects?query=id", 400, "platform.invalid_query"),
        (f"{WS}/automated_tests", 403, "platform.not_authorized"),
        (f"{WS}/defects?fields=owner%7Bname%7D", 403, "platform.not_authorized"),
        (f"{WS}/metadata/fields?limit=5", 400, "platform.illegal_field_value"),
    ],
)
def test_wrong_requests_are_refused_with_their_code(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    assert refusal(client.get(path)) == (status, code)


@pytest.mark.parametrize(
    "headers",
    [
        PREVIEW,
        {"ALM_OCTANE_TECH_PREVIEW": "true"},
        {"ALM-OCTANE-PRIVATE": "true"},
        {"HPECLIENTTYPE": "HPE_REST_API_TECH_PREVIEW"},
    ],
)
def test_preview_headers_open_preview_resources(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    assert client.get(f"{WS}/automated_tests", headers=headers).status_code == 200


def test_accept_and_content_type_are_checked(client: httpx.Client) -> None:
    assert client.get(f"{WS}/defects", headers={"Accept": "text/html"}).status_code == 406
    body = json.dumps({"data": []})
    assert client.post(f"{WS}/defects", content=body).status_code == 415
    assert client.patch(f"{WS}/defects").status_code == 405
    assert client.put(f"{WS}/user_tags", json={"data": []}).status_code == 405


def test_bodies_may_be_gzip_both_ways(client: httpx.Client) -> None:
    body = gzip.compress(json.dumps({"data": [{"name": f"tag {n}"} for n in range(50)]}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = client.post(f"{WS}/user_tags?fields=name", content=body, headers=headers)
    assert answer.status_code == 201
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = client.get(f"{WS}/user_tags", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.json()["total_count"] == 50


def test_bodies_may_come_in_chunks(client: httpx.Client) -> None:
    parts = (part for part in (b'{"data":[{"na', b'me":"chunked"}]}'))
    headers = {"Content-Type": "application/json"}
    assert client.post(f"{WS}/user_tags", content=parts, headers=headers).status_code == 201
    assert get(client, "user_tags", fields="name")["data"][0]["name"] == "chunked"


def test_the_date_header_follows_the_clock(client: httpx.Client) -> None:
    assert client.get("/api/current_user").headers["Date"] == "Wed, 20 Jan 2021 21:00:00 GMT"
    moved = client.put("/simulator/clock", json={"now": "2021-02-01T00:00:00Z", "frozen": True})
    assert moved.status_code == 200
    assert client.get("/api/current_user").headers["Date"] == "Mon, 01 Feb 2021 00:00:00 GMT"


def test_connections_are_kept(running: Running, client: httpx.Client) -> None:
    answer = client.get("/api/current_user")
    assert answer.http_version == "HTTP/1.1"
    assert "Connection" not in answer.headers
    assert "Content-Length" in answer.headers


# -- reads --------------------------------------------------------------------------------------


def test_without_fields_only_the_minimal_set_comes(client: httpx.Client) -> None:
    defect = make(client, "defects", {"name": "d"})[0]
    row = get(client, f"defects/{defect}")
    assert set(row) == {"id", "type", "workspace_id", "logical_name", "subtype"}
    assert (row["id"], row["workspace_id"]) == ("1002", 1002)


def test_value_shapes(client: httpx.Client) -> None:
    text = 'Größe 漢字 🙂 "quoted" \\ back\n<p>html & more</p>'
    tag = make(client, "user_tags", {"name": "t"})[0]
    make(client, "defects", {
        "name": text, "description": text, "blocked": True, "story_points": 3,
        "severity": {"type": "list_node", "id": "list_node.severity.high"},
        "user_tags": {"data": [{"type": "user_tag", "id": tag}]},
    })  # fmt: skip
    names = (
        "name,description,blocked,story_points,severity,user_tags,owner,creation_time,has_comments,"
        "comments,remaining_hours"
    )
    page = get(client, "defects", fields=names)
    assert page == {
        "total_count": 1, "exceeds_total_count": False,
        "data": [{
            "type": "defect", "id": "1002", "name": text, "description": text, "blocked": True,
            "story_points": 3, "severity": {"type": "list_node", "id": "list_node.severity.high"},
            "user_tags": {"total_count": 1, "data": [{"type": "user_tag", "id": tag}]},
            "owner": None, "creation_time": "2021-01-20T21:00:00Z", "has_comments": False,
            "comments": {"total_count": 0, "data": []}, "remaining_hours": None,
        }],
    }  # fmt: skip


def test_every_field_of_the_metadata_can_be_read(client: httpx.Client) -> None:
    collections = {
        row["name"]: row["features"][0]["url"] for row in get(client, "metadata/entities")["data"]
    }
    fields: dict[str, list[str]] = {}
    for row in get(client, "metadata/fields")["data"]:
        fields.setdefault(row["entity_name"], []).append(row["name"])
    assert set(fields) == set(collections)
    for name, collection in collections.items():
        page = get(client, collection, fields=",".join(fields[name]), limit="1")
        for row in page["data"]:
            assert set(row) == set(fields[name]) | {"id", "type"}


def test_expansion_nests_three_levels_and_no_more(client: httpx.Client) -> None:
    make(client, "defects", {"name": "d"})
    text = "phase{name,metaphase{name,phase{name}}},parent{},author{full_name}"
    row = get(client, "defects", fields=text)["data"][0]
    assert row["phase"]["metaphase"]["name"] == "New"
    assert "New" in {phase["name"] for phase in row["phase"]["metaphase"]["phase"]["data"]}
    assert row["parent"] == {"type": "work_item_root", "id": "1001"}
    assert row["author"]["full_name"] == "Sam Simulator"
    deep = client.get(f"{WS}/defects?fields=a{{b{{c{{d{{e}}}}}}}}", headers=PREVIEW)
    assert deep.status_code == 400


def test_pages_add_up_in_any_order(client: httpx.Client) -> None:
    make(client, "user_tags", *({"name": name} for name in ("b", "A", "c", "Ä", "B2")))
    for order in ("id", "-id", "name", "-name,id", ""):
        seen = []
        for offset in range(0, 6, 2):
            page = get(client, "user_tags", limit="2", offset=str(offset), order_by=order)
            seen += [row["id"] for row in page["data"]]
            assert page["total_count"] == 5
        assert len(set(seen)) == 5
    page = get(client, "user_tags", fields="name", order_by="name")
    assert [row["name"] for row in page["data"]] == ["A", "b", "B2", "c", "Ä"]
    assert len(get(client, "list_nodes")["data"]) == 50
    assert len(get(client, "list_nodes", limit="5000")["data"]) > 200


def test_stray_parameters_and_raw_query_characters_are_taken(client: httpx.Client) -> None:
    make(client, "user_tags", {"name": "a b"}, {"name": "a+b & c#d"})
    raw = client.get(f'{WS}/user_tags?&offset=&query="name+EQ+^a+b^;id+GT+0"&limit=5')
    assert raw.json()["total_count"] == 1
    encoded = get(client, "user_tags", query='"name EQ ^a+b & c#d^"')
    assert encoded["total_count"] == 1


@pytest.mark.parametrize(
    ("mode", "headers", "shown"),
    [
        ("auto", PREVIEW, "defect"),
        ("auto", {}, "work_item"),
        ("concrete", {}, "defect"),
        ("aggregate", PREVIEW, "work_item"),
    ],
)
def test_rows_of_aggregates_show_their_type_in_both_ways(
    running: Running, client: httpx.Client, mode: str, headers: dict[str, str], shown: str
) -> None:
    running.simulator.reader.aggregate_rows = mode
    defect = make(client, "defects", {"name": "d"})[0]
    query = {"query": "\"subtype EQ 'defect'\"", "fields": "subtype"}
    rows = client.get(f"{WS}/work_items", params=query, headers=headers).json()["data"]
    assert rows == [{"type": shown, "id": defect, "subtype": "defect"}]


def test_application_modules_are_the_product_areas(client: httpx.Client) -> None:
    area = make(client, "product_areas", {"name": "Matrix"})[0]
    row = get(client, f"application_modules/{area}", fields="name,parent")
    assert row["type"] == "application_module"
    assert row["parent"] == {"type": "application_module", "id": "1001"}


def test_groups_count_by_reference_and_scalar(client: httpx.Client) -> None:
    high = {"type": "list_node", "id": "list_node.severity.high"}
    make(client, "defects", {"name": "a", "severity": high}, {"name": "b", "severity": high},
         {"name": "c"})  # fmt: skip
    body = get(client, "defects/groups", group_by="severity")
    assert body["groupsTotalCount"] == 2
    assert [(g["count"], (g["value"] or {}).get("name")) for g in body["groups"]] == [
        (2, "High"), (1, None),
    ]  # fmt: skip


def test_text_search_looks_into_names_and_descriptions(client: httpx.Client) -> None:
    make(client, "defects", {"name": "Login fails"}, {"name": "b", "description": "no LOGIN"},
         {"name": "c"})  # fmt: skip
    page = get(client, "defects", text_search='{"type":"global","text":"login"}')
    assert page["total_count"] == 2


# -- metadata -----------------------------------------------------------------------------------


def test_metadata_tells_collections_methods_and_subtypes(client: httpx.Client) -> None:
    rows = get(client, "metadata/entities", query="\"name IN 'story','work_item'\"")["data"]
    features = {row["name"]: {f["name"]: f for f in row["features"]} for row in rows}
    assert features["story"]["rest"]["url"] == "stories"
    assert set(features["story"]["rest"]["methods"]) == {"GET", "POST", "PUT", "DELETE"}
    assert features["story"]["subtype_of"]["type"] == "work_item"
    assert "defect" in features["work_item"]["subtypes"]["types"]


def test_field_metadata_can_be_narrowed_and_knows_targets(client: httpx.Client) -> None:
    query = "\"entity_name EQ 'defect' ; required EQ true\""
    rows = get(client, "metadata/fields", query=query)["data"]
    assert {row["name"] for row in rows} == {"name", "parent", "phase"}
    query = "\"entity_name EQ 'defect';name EQ 'severity'\""
    data = get(client, "metadata/fields", query=query)["data"][0]["field_type_data"]
    assert data == {
        "multiple": False,
        "targets": [{"type": "list_node", "logical_name": "list_node.severity"}],
    }
    either = client.get(f"{WS}/metadata/fields", params={"query": "\"name='a'||name='b'\""})
    assert refusal(either) == (400, "platform.invalid_query")


def test_new_and_removed_fields_show_between_two_calls(
    running: Running, client: httpx.Client
) -> None:
    make(client, "defects", {"name": "d"})
    assert client.get(f"{WS}/defects?fields=cost_udf").status_code == 400
    running.simulator.add_field("defect", "cost_udf", "float")
    assert get(client, "defects", fields="cost_udf")["data"][0]["cost_udf"] is None
    query = {"query": "\"is_user_defined EQ true;entity_name EQ 'defect'\""}
    assert get(client, "metadata/fields", **query)["data"][0]["name"] == "cost_udf"
    running.simulator.remove_field("defect", "cost_udf")
    assert client.get(f"{WS}/defects?fields=cost_udf").status_code == 400


# -- writes -------------------------------------------------------------------------------------


def test_a_partly_wrong_request_keeps_the_good_rows(client: httpx.Client) -> None:
    rows = [{"name": "a"}, {"name": "b", "nonsense": 1}, {"name": "c", "version_stamp": 4},
            {"name": "d", "release": {"type": "release", "id": "77"}}, {}]  # fmt: skip
    answer = client.post(f"{WS}/defects?fields=name", json={"data": rows})
    body = answer.json()
    assert answer.status_code == 409
    assert [row["name"] for row in body["data"]] == ["a"]
    assert [(error["index"], error["error_code"]) for error in body["errors"]] == [
        (1, "platform.unknown_field"), (2, "platform.modify_non_editable_field"),
        (3, "platform.entity_not_found"), (4, "platform.missing_required_field"),
    ]  # fmt: skip
    assert body["errors"][2]["properties"] == {"entity_type": "release", "entity_id": "77"}


def test_a_single_wrong_row_answers_with_its_own_status(client: httpx.Client) -> None:
    for row, status in (({"name": "d", "version_stamp": 4}, 403), ({"x": 1}, 400)):
        answer = client.post(f"{WS}/defects", json={"data": [row]})
        assert (answer.status_code, answer.json()["total_count"]) == (status, 0)
    assert make(client, "user_tags", {"name": "Tag"})
    again = client.post(f"{WS}/user_tags", json={"data": [{"name": "TAG"}]})
    assert again.status_code == 409
    assert again.json()["errors"][0]["error_code"] == "platform.duplicate_entity_error"


@pytest.mark.parametrize(
    "row",
    [
        {"name": 5},
        {"name": "n" * 256},
        {"name": "n", "blocked": "yes"},
        {"name": "n", "story_points": 1.5},
        {"name": "n", "fixed_on": "yesterday"},
        {"name": "n", "severity": "High"},
        {"name": "n", "severity": {"type": "list_node", "id": "list_node.priority.high"}},
        {"name": "n", "phase": {"type": "phase", "id": "phase.story.new"}},
        {"name": "n", "owner": {"type": "release", "id": "1001"}},
        {"name": "n", "user_tags": 5},
    ],
)
def test_values_of_the_wrong_kind_are_refused(client: httpx.Client, row: dict[str, Any]) -> None:
    answer = client.post(f"{WS}/defects", json={"data": [row]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["error_code"] == "platform.illegal_field_value"


def test_updates_by_path_by_list_and_by_query(client: httpx.Client) -> None:
    ids = make(client, "defects", {"name": "a"}, {"name": "b"}, {"name": "c"})
    one = client.put(f"{WS}/defects/{ids[0]}?fields=name", json={"name": "A"})
    assert (one.status_code, one.json()["name"]) == (200, "A")
    many = client.put(f"{WS}/defects", json={"data": [{"id": ids[1], "blocked": True},
                                                      {"id": "9", "blocked": True}]})  # fmt: skip
    assert many.status_code == 409
    by_query = client.put(
        f"{WS}/defects", params={"query": '"blocked EQ true"'}, json={"data": [{"name": "B"}]}
    )
    assert by_query.json()["total_count"] == 1
    rows = get(client, "defects", fields="name,version_stamp")["data"]
    assert [row["name"] for row in rows] == ["A", "B", "c"]
    assert [row["version_stamp"] for row in rows] == [2, 3, 1]


def test_a_stale_lock_stamp_is_refused_and_a_fresh_one_is_taken(client: httpx.Client) -> None:
    defect = make(client, "defects", {"name": "a"})[0]
    path = f"{WS}/defects/{defect}"
    assert client.put(path, json={"name": "b", "client_lock_stamp": 1}).status_code == 200
    assert client.put(path, json={"name": "c", "client_lock_stamp": 1}).status_code == 409


def test_multi_references_are_replaced_or_appended(client: httpx.Client) -> None:
    tags = make(client, "user_tags", {"name": "a"}, {"name": "b"})
    values = [{"data": [{"type": "user_tag", "id": tag}]} for tag in tags]
    defect = make(client, "defects", {"name": "d", "user_tags": values[0]})[0]
    path = f"{WS}/defects/{defect}"
    client.put(path, params={"reference_update_mode": "append"}, json={"user_tags": values[1]})
    assert get(client, f"defects/{defect}", fields="user_tags")["user_tags"]["total_count"] == 2
    client.put(path, json={"user_tags": values[1]})
    assert get(client, f"defects/{defect}", fields="user_tags")["user_tags"] == {
        "total_count": 1, "data": [{"type": "user_tag", "id": tags[1]}],
    }  # fmt: skip


def test_deletes_by_path_and_by_query(client: httpx.Client) -> None:
    ids = make(client, "defects", {"name": "a"}, {"name": "b"}, {"name": "c"})
    assert client.delete(f"{WS}/defects/{ids[0]}").status_code == 200
    assert refusal(client.get(f"{WS}/defects/{ids[0]}"))[0] == 404
    assert client.delete(f"{WS}/defects").status_code == 400
    answer = client.delete(f"{WS}/defects", params={"query": f'"id GT {ids[1]}"'})
    assert [row["id"] for row in answer.json()["data"]] == [ids[2]]
    assert [row["id"] for row in get(client, "defects")["data"]] == [ids[1]]


def test_attachments_and_scripts_are_kept(client: httpx.Client) -> None:
    test = make(client, "manual_tests", {"name": "t"})[0]
    owner = {"name": "a.txt", "owner_test": {"type": "test_manual", "id": test}}
    files = {
        "entity": ("blob", json.dumps(owner).encode(), "application/json"),
        "content": ("a.txt", b"bytes\x00", "text/plain"),
    }
    attachment = client.post(f"{WS}/attachments", files=files).json()["data"][0]["id"]
    binary = client.get(f"{WS}/attachments/{attachment}", headers={"Accept": "*/*"})
    assert binary.content == b"bytes\x00"
    row = client.get(f"{WS}/attachments/{attachment}?fields=size,owner_test",
                     headers={"Accept": "application/json"}).json()  # fmt: skip
    assert (row["size"], row["owner_test"]["id"]) == (6, test)
    script = {"script": "- Open\n- ?Is open\n", "comment": "", "revision_type": "Minor"}
    assert client.put(f"{WS}/tests/{test}/script", json=script).status_code == 200
    assert get(client, f"tests/{test}/script")["script"] == script["script"]
    assert get(client, f"tests/{test}", fields="steps_num,has_attachments") == {
        "type": "test_manual", "id": test, "steps_num": 2, "has_attachments": True,
    }  # fmt: skip


# -- faults -------------------------------------------------------------------------------------


def test_faults_come_and_go(running: Running, client: httpx.Client) -> None:
    switches = {"add": [
        {"kind": "unavailable", "times": 2, "path": "defects"},
        {"kind": "too_many_requests", "retry_after": 2},
        {"kind": "too_many_requests", "retry_after": 60, "as_date": True},
        {"kind": "too_many_requests"},
        {"kind": "error_500"}, {"kind": "html_200"},
    ]}  # fmt: skip
    assert client.put("/simulator/faults", json=switches).status_code == 200
    for _ in range(2):
        answer = client.get(f"{WS}/defects")
        assert (answer.status_code, "<html>" in answer.text) == (503, True)
    assert client.get(f"{WS}/defects").status_code == 500
    waits = [client.get(f"{WS}/defects").headers.get("Retry-After") for _ in range(3)]
    assert waits == ["2", "Wed, 20 Jan 2021 21:01:00 GMT", None]
    html = client.get(f"{WS}/defects")
    assert (html.status_code, html.headers["Content-Type"]) == (200, "text/html")
    assert client.get(f"{WS}/defects").json()["total_count"] == 0
    assert client.get("/simulator/state").json()["faults_served"]["unavailable"] == 2
    assert client.put("/simulator/faults", json={"nonsense": 1}).status_code == 400


def test_a_cut_body_breaks_the_connection(running: Running, client: httpx.Client) -> None:
    running.simulator.faults.add("cut_body")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/current_user")
    assert client.get("/api/current_user").status_code == 200


def test_pages_can_be_spoilt(running: Running, client: httpx.Client) -> None:
    faults = running.simulator.faults
    ids = make(client, "user_tags", *({"name": str(n)} for n in range(6)))

    def page(offset: int) -> list[str]:
        body = get(client, "user_tags", limit="2", offset=str(offset))
        return [row["id"] for row in body["data"]]

    assert page(0) == ids[:2]
    faults.add("repeated_page")
    assert page(2) == ids[:2]
    faults.add("short_page")
    assert page(2) == ids[2:3]
    faults.add("duplicate_row")
    assert page(2) == [ids[2], *ids[2:4]]
    faults.add("low_total")
    body = get(client, "user_tags")
    assert (body["total_count"], body["exceeds_total_count"]) == (5, True)
    faults.add("count_cap", max=5)
    capped = client.get(f"{WS}/user_tags")
    assert refusal(capped) == (400, "platform.exceeds_max_total_count")


def test_entities_can_be_refused_and_metadata_can_be_odd(
    running: Running, client: httpx.Client
) -> None:
    switches = {"add": [
        {"kind": "refuse", "entity": "defect"}, {"kind": "odd_type", "field": "story.name"},
        {"kind": "missing_targets", "field": "story.owner"},
    ]}  # fmt: skip
    client.put("/simulator/faults", json=switches)
    assert refusal(client.get(f"{WS}/defects")) == (403, "platform.not_authorized")
    assert client.get(f"{WS}/stories").status_code == 200
    query = "\"entity_name EQ 'story';name IN 'name','owner'\""
    rows = {row["name"]: row for row in get(client, "metadata/fields", query=query)["data"]}
    assert rows["name"]["field_type"] == "matrix"
    assert rows["owner"]["field_type_data"]["targets"] is None
    client.put("/simulator/faults", json={"clear": True})
    assert client.get(f"{WS}/defects").status_code == 200
