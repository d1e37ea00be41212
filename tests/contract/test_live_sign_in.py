"""Facts about live servers: the version without a session, tokens of browsers, client types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.contract_requests import KEY, NOW, WS, switch

CLIENT_TYPES = ("HPE_CI_CLIENT", "OCTANE_IDE_PLUGIN", "HPE_MQM_UI", "HPE_REST_API_TECH_PREVIEW",
                "IT_PRIVATE")  # fmt: skip


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client without session and without the preview header."""
    simulator = Simulator(clock=NOW)
    transport = httpx.WSGITransport(app=simulator.wsgi)
    with httpx.Client(transport=transport, base_url="http://octane") as client:
        yield client
    simulator.close()


def sign_in(client: httpx.Client, **more: Any) -> httpx.Response:
    answer = client.post("/authentication/sign_in", json={**KEY, **more})
    assert answer.status_code == 200
    return answer


def tag(client: httpx.Client, name: str, **headers: str) -> int:
    rows = {"data": [{"name": name}]}
    return client.post(f"{WS}/user_tags", json=rows, headers=headers).status_code


def test_the_version_needs_no_session_and_has_three_or_four_numbers(client: httpx.Client) -> None:
    answer = client.get("/admin/server/version")
    assert answer.status_code == 200
    assert re.fullmatch(r"\d+(\.\d+){2,3}", answer.json()["display_version"])
    assert client.get("/api/current_user").status_code == 401


def test_a_browser_session_writes_only_with_the_token_of_its_cookie(client: httpx.Client) -> None:
    switch(client, "demand_csrf")
    sign_in(client)
    token = client.cookies["XSRF_COOKIE"]
    assert client.get(f"{WS}/user_tags").status_code == 200
    assert tag(client, "without") == 403
    assert tag(client, "wrong", **{"XSRF-HEADER": "x"}) == 403
    assert tag(client, "right", **{"XSRF-HEADER": token}) == 201
    client.cookies.clear()
    basic = httpx.BasicAuth(KEY["client_id"], KEY["client_secret"])
    rows = {"data": [{"name": "by Basic authentication"}]}
    assert client.post(f"{WS}/user_tags", json=rows, auth=basic).status_code == 201


def test_signing_in_with_enable_csrf_sets_the_older_token(client: httpx.Client) -> None:
    switch(client, "demand_csrf", token="hpsso")
    sign_in(client, enable_csrf=True)
    assert tag(client, "without") == 403
    assert tag(client, "right", HPSSO_HEADER_CSRF=client.cookies["HPSSO_COOKIE_CSRF"]) == 201


def test_without_the_fault_enable_csrf_sets_a_token_that_nobody_needs(client: httpx.Client) -> None:
    assert "HPSSO_COOKIE_CSRF" not in sign_in(client).cookies
    assert "HPSSO_COOKIE_CSRF" in sign_in(client, enable_csrf=True).cookies
    assert tag(client, "a") == 201


def test_a_token_outlives_the_renewal_of_the_session_cookie(client: httpx.Client) -> None:
    switch(client, "demand_csrf")
    sign_in(client)
    token, session = client.cookies["XSRF_COOKIE"], client.cookies["LWSSO_COOKIE_KEY"]
    switch(client, "rotate")
    client.get(f"{WS}/user_tags")
    assert client.cookies["LWSSO_COOKIE_KEY"] != session
    assert tag(client, "right", **{"XSRF-HEADER": token}) == 201


@pytest.mark.parametrize("name", CLIENT_TYPES)
@pytest.mark.parametrize("as_cookie", [False, True])
def test_client_types_open_resources_that_are_not_public(
    client: httpx.Client, name: str, as_cookie: bool
) -> None:
    sign_in(client)
    assert client.get(f"{WS}/automated_tests").status_code == 403
    if as_cookie:
        client.cookies.set("HPECLIENTTYPE", name)
    else:
        client.headers["HPECLIENTTYPE"] = name
    assert client.get(f"{WS}/automated_tests").status_code == 200


def test_client_types_get_wide_default_fields_and_see_them_in_the_metadata(
    client: httpx.Client,
) -> None:
    sign_in(client)
    narrow = client.get(f"{WS}/metaphases").json()["data"][0]
    assert set(narrow) == {"type", "id", "workspace_id", "logical_name"}
    client.headers["HPECLIENTTYPE"] = "OCTANE_IDE_PLUGIN"
    wide = client.get(f"{WS}/metaphases").json()["data"][0]
    # The recorded metadata of a live server: every field of a metaphase but its phases.
    assert {"name", "creation_time", "is_system", "version_stamp", "last_modified", "entity",
            "order"} <= set(wide)  # fmt: skip
    assert "phase" not in wide
    query = {"query": "\"entity_name EQ 'metaphase'\""}
    fields = client.get(f"{WS}/metadata/fields", params=query).json()["data"]
    assert {field["name"] for field in fields if field["returned_by_default"]} == set(wide)
