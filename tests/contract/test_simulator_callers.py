"""The user who signed in is the author of written rows, and `[current_user]` in queries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator

SPACE = "/api/shared_spaces/1001"
BASE = f"{SPACE}/workspaces/1002"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(workspaces=["1002", "1003"])
    yield simulator
    simulator.close()


@pytest.fixture
def anna(simulator: Simulator) -> Iterator[httpx.Client]:
    """A session of a user who was added to the first workspace."""
    auth = httpx.BasicAuth(simulator.auth.client_id, simulator.auth.client_secret)
    user = {"email": "anna@example.com", "name": "anna", "first_name": "Anna", "last_name": "A"}
    transport = httpx.WSGITransport(app=simulator.wsgi)
    with httpx.Client(transport=transport, base_url="http://octane", auth=auth) as admin:
        made = admin.post(f"{BASE}/workspace_users", json={"data": [user]})
        assert made.status_code == 201, made.text
    headers = {"ALM-OCTANE-TECH-PREVIEW": "true"}
    with httpx.Client(transport=transport, base_url="http://octane", headers=headers) as client:
        secret = {"user": "Anna@example.com", "password": simulator.auth.password}
        assert client.post("/authentication/sign_in", json=secret).status_code == 200
        yield client


def create(client: httpx.Client, path: str, fields: str, **row: Any) -> dict[str, Any]:
    answer = client.post(f"{BASE}/{path}", json={"data": [row]}, params={"fields": fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["data"][0]
    return made


def test_the_signed_in_user_is_author_editor_and_current_user(
    simulator: Simulator, anna: httpx.Client
) -> None:
    me = anna.get("/api/current_user").json()
    assert (me["name"], me["email"]) == ("anna", "anna@example.com")
    mine = {"type": "workspace_user", "id": me["id"]}
    defect = create(anna, "defects", "author", name="Hers")
    simulator.store.insert("defect", {"name": "Another's"})
    assert defect["author"] == mine
    query = '"author EQ {id EQ [current_user]}"'
    answer = anna.get(f"{BASE}/defects", params={"query": query, "fields": "name"}).json()
    assert [row["name"] for row in answer["data"]] == ["Hers"]

    test = simulator.store.insert("test_manual", {"name": "T"})
    fields = {"fields": "author,modified_by"}
    changed = anna.put(f"{BASE}/manual_tests/{test}", json={"name": "U"}, params=fields).json()
    assert changed["modified_by"] == mine
    assert changed["author"]["id"] == "1001"


def test_the_log_names_who_wrote(simulator: Simulator, anna: httpx.Client) -> None:
    defect = create(anna, "defects", "id", name="Hers")
    me = anna.get("/api/current_user").json()["id"]
    query = f'"entity_id EQ ^{defect["id"]}^;entity_type EQ ^defect^"'
    records = anna.get(f"{BASE}/audits", params={"query": query, "fields": "user"}).json()["data"]
    assert {record["user"]["id"] for record in records} == {me}


def test_a_revision_of_a_script_names_who_wrote_it(
    simulator: Simulator, anna: httpx.Client
) -> None:
    test = simulator.store.insert("test_manual", {"name": "T"})
    anna.put(f"{BASE}/tests/{test}/script", json={"script": "- open"})
    (revision,) = simulator.store.find("test_version", test=test)
    assert revision["creator"] == "anna"


def test_a_user_is_let_into_own_workspaces_only(simulator: Simulator, anna: httpx.Client) -> None:
    refused = anna.get(f"{SPACE}/workspaces/1003/defects")
    assert (refused.status_code, refused.json()["error_code"]) == (403, "platform.not_authorized")
    wrong = {"user": "anna", "password": "x"}
    assert anna.post("/authentication/sign_in", json=wrong).status_code == 401


def test_outside_requests_the_first_user_writes_again(
    simulator: Simulator, anna: httpx.Client
) -> None:
    create(anna, "defects", "id", name="Hers")
    later = simulator.store.insert("defect", {"name": "By a data set"})
    row = simulator.store.get("defect", later)
    assert row is not None
    assert row["author"]["id"] == "1001"
