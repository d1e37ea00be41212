"""The simulator over real HTTP: sign-in, sessions, addresses and headers."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest

from octane_simulator import Running
from tests.contract.contract_requests import PREVIEW, WS, get, refusal


@pytest.mark.parametrize("form", ["client", "user", "key in user", "extra keys"])
def test_both_sign_in_bodies_are_taken(running: Running, form: str) -> None:
    bodies: dict[str, dict[str, object]] = {
        "client": {"client_id": running.client_id, "client_secret": running.client_secret},
        "user": {"user": running.user, "password": running.password},
        "key in user": {"user": running.client_id, "password": running.client_secret},
        "extra keys": {
            "enable_csrf": False,
            "remember": True,
            "user": running.user,
            "password": running.password,
        },
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


def test_spaces_workspaces_and_version_can_be_listed(
    running: Running, client: httpx.Client
) -> None:
    running.simulator.space.forbid_workspace("1003")
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
