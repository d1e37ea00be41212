"""Spaces, users, user-defined fields and the log of writes, over the simulator's HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SPACE = "/api/shared_spaces/1001"
UDF = {
    "field_metadata_boolean": ("boolean", True),
    "field_metadata_date_time": ("date_time", "2026-03-01T10:00:00Z"),
    "field_metadata_list": ("reference", {"type": "list_node", "id": "list_node.priority.high"}),
    "field_metadata_long": ("integer", 7),
    "field_metadata_long_string": ("string", "x" * 300),
    "field_metadata_memo": ("memo", "<html><body>x</body></html>"),
    "field_metadata_ref_to_release": ("reference", {"type": "release", "id": "1001"}),
    "field_metadata_ref_to_team": ("reference", {"type": "team", "id": "1001"}),
    "field_metadata_ref_to_user": ("reference", {"type": "workspace_user", "id": "1001"}),
    "field_metadata_string": ("string", "x"),
}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW, workspaces=["1002", "1003"])
    yield simulator
    simulator.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with wsgi_client(simulator) as client:
        yield client


def wsgi_client(simulator: Simulator) -> httpx.Client:
    auth = httpx.BasicAuth(simulator.auth.client_id, simulator.auth.client_secret)
    transport = httpx.WSGITransport(app=simulator.wsgi)
    headers = {"ALM-OCTANE-TECH-PREVIEW": "true"}
    return httpx.Client(
        transport=transport, base_url="http://simulator", auth=auth, headers=headers
    )


def make(client: httpx.Client, path: str, **row: Any) -> str:
    answer = client.post(f"{SPACE}/workspaces/{path}", json={"data": [row]})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["data"][0]["id"]
    return made


def rows(client: httpx.Client, path: str, **params: str) -> list[dict[str, Any]]:
    answer = client.get(
        path if path.startswith("/") else f"{SPACE}/workspaces/{path}", params=params
    )
    assert answer.status_code == 200, answer.text
    answer_rows: list[dict[str, Any]] = answer.json()["data"]
    return answer_rows


def test_users_of_the_space_and_workspaces_of_a_user(client: httpx.Client) -> None:
    guest = make(
        client, "1003/workspace_users", email="g@x.y", first_name="G", last_name="H", phone1=""
    )
    users = rows(client, f"{SPACE}/users", fields="name,is_api_key")
    assert [(user["id"], user["is_api_key"]) for user in users] == [
        ("1001", False),
        (guest, False),
        ("901", True),
    ]
    query = f'"users EQ {{id EQ {guest}}}"'
    answer_rows = rows(client, f"{SPACE}/workspaces", query=query, fields="users")
    assert [row["id"] for row in answer_rows] == ["1003"]
    assert answer_rows[0]["users"]["total_count"] == 2


@pytest.mark.parametrize("kind", sorted(UDF))
def test_a_field_of_each_kind_is_defined_described_written_and_queried(
    client: httpx.Client, kind: str
) -> None:
    field_type, value = UDF[kind]
    make(client, "1002/releases", name="R", start_date="2026-01-01T00:00:00Z",
         end_date="2026-05-01T00:00:00Z")  # fmt: skip
    make(client, "1002/teams", name="T")
    definition: dict[str, Any] = {
        "type": "field_metadata",
        "subtype": kind,
        "entity_type": "defect",
        "label": "New",
        "name": "new_udf",
    }
    if kind == "field_metadata_list":
        definition["list"] = {"type": "list_node", "id": "list_node.priority"}
    made = make(client, "1002/metadata_fields", **definition)
    query = "\"name EQ 'new_udf';entity_type EQ 'defect';is_user_defined=true\""
    answer_rows = rows(client, "1002/metadata_fields", fields="name,entity_type,label", query=query)
    assert [(row["id"], row["type"], row["label"]) for row in answer_rows] == [(made, kind, "New")]
    described = rows(
        client, "1002/metadata/fields", query="\"entity_name EQ 'defect';is_user_defined EQ true\""
    )
    assert [(row["name"], row["field_type"], row["editable"]) for row in described] == [
        ("new_udf", field_type, True)
    ]
    defect = make(client, "1002/defects", name="D", new_udf=value)
    other = make(client, "1002/defects", name="E")
    shown = {
        row["id"]: row["new_udf"]
        for row in rows(client, "1002/defects", fields="new_udf", order_by="id")
    }
    assert shown == {defect: value, other: None}
    inside = f"{{id EQ ^{value['id']}^}}" if isinstance(value, dict) else f"^{value}^"
    if field_type == "boolean":
        inside = "true"
    if field_type == "memo":
        inside = "^*body*^"
    answer_rows = rows(client, "1002/defects", query=f'"new_udf EQ {inside}"')
    assert [row["id"] for row in answer_rows] == [defect]
    assert client.delete(f"{SPACE}/workspaces/1002/metadata_fields/{made}").status_code == 405


def test_a_field_may_be_renamed_but_not_turned_into_another(client: httpx.Client) -> None:
    made = make(client, "1002/metadata_fields", subtype="field_metadata_string",
                entity_type="story", name="a_udf", label="A")  # fmt: skip
    path = f"{SPACE}/workspaces/1002/metadata_fields/{made}"
    assert client.put(path, json={"label": "B"}).status_code == 200
    query = "\"entity_name EQ 'story';name EQ 'a_udf'\""
    assert rows(client, "1002/metadata/fields", query=query)[0]["label"] == "B"
    answer = client.put(path, json={"entity_type": "defect"})
    assert answer.json()["error_code"] == "platform.modify_non_editable_field"


def test_shared_fields_are_defined_in_workspace_500_and_used_in_all(client: httpx.Client) -> None:
    make(client, "500/metadata_fields", subtype="field_metadata_boolean", entity_type="defect",
         name="shared_udf", label="Shared", type="field_metadata")  # fmt: skip
    for workspace in ("1002", "1003"):
        make(client, f"{workspace}/defects", name="D", shared_udf=True)
        query = '"shared_udf EQ true"'
        assert len(rows(client, f"{workspace}/defects", query=query)) == 1
        assert rows(client, f"{workspace}/metadata_fields") == []
    assert len(rows(client, "500/metadata_fields", query='"is_user_defined=true"')) == 1
    again = {
        "subtype": "field_metadata_memo",
        "entity_type": "defect",
        "name": "shared_udf",
        "label": "x",
    }
    path = f"{SPACE}/workspaces/1002/metadata_fields"
    answer = client.post(path, json={"data": [again]})
    assert (answer.status_code, answer.json()["errors"][0]["error_code"]) == (
        409,
        "platform.duplicate_entity_error",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Upper_udf"},
        {"name": "no_suffix"},
        {"entity_type": "nothing"},
        {"entity_type": "work_item"},
        {"subtype": "field_metadata_list"},
        {"multiple": True},
        {"subtype": "field_metadata_colour"},
    ],
)
def test_wrong_definitions_are_refused(client: httpx.Client, wrong: dict[str, Any]) -> None:
    right = {
        "subtype": "field_metadata_string",
        "entity_type": "defect",
        "name": "a_udf",
        "label": "A",
    }
    path = f"{SPACE}/workspaces/1002/metadata_fields"
    assert client.post(path, json={"data": [right | wrong]}).status_code == 400
    assert client.post(path, json={"data": [right]}).status_code == 201


def test_a_workspace_takes_ten_date_fields_and_no_more(client: httpx.Client) -> None:
    def definition(number: int) -> dict[str, Any]:
        return {
            "subtype": "field_metadata_date_time",
            "entity_type": "defect",
            "name": f"d{number}_udf",
            "label": "D",
        }

    path = f"{SPACE}/workspaces/1002/metadata_fields"
    answer = client.post(path, json={"data": [definition(n) for n in range(11)]})
    assert (answer.status_code, len(answer.json()["data"])) == (409, 10)
    assert [error["index"] for error in answer.json()["errors"]] == [10]


def test_defined_fields_and_their_values_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "simulator.sqlite"
    first = Simulator(path=path, clock=NOW)
    with wsgi_client(first) as client:
        make(client, "500/metadata_fields", subtype="field_metadata_long", entity_type="defect",
             name="shared_udf", label="S")  # fmt: skip
        make(client, "1002/metadata_fields", subtype="field_metadata_ref_to_user", multiple=True,
             entity_type="defect", name="own_udf", label="O")  # fmt: skip
        make(client, "1002/defects", name="D", shared_udf=3,
             own_udf={"data": [{"type": "workspace_user", "id": "1001"}]})  # fmt: skip
    first.close()
    second = Simulator(path=path, clock=NOW)
    with wsgi_client(second) as client:
        row = rows(client, "1002/defects", fields="shared_udf,own_udf")[0]
        assert (row["shared_udf"], row["own_udf"]["total_count"]) == (3, 1)
    second.close()


def test_the_log_has_old_and_new_values(simulator: Simulator, client: httpx.Client) -> None:
    defect = make(client, "1002/defects", name="D")
    path = f"{SPACE}/workspaces/1002/defects/{defect}"
    phase = {"type": "phase", "id": "phase.defect.opened"}
    client.put(path, json={"phase": phase, "name": "D"})
    client.delete(path)
    query = f"\"entity_type='defect';entity_id='{defect}'\""
    fields = "action,field_name,old_value,new_value,timestamp,user"
    history = rows(client, "1002/history_records", query=query, fields=fields, order_by="id")
    records = [(r["action"], r["field_name"], r["old_value"], r["new_value"]) for r in history]
    assert ("Create", "name", None, "D") in records
    assert ("Create", "phase", None, "phase.defect.new") in records
    assert records[-2:] == [
        ("Update", "phase", "phase.defect.new", "phase.defect.opened"),
        ("Delete", None, None, None),
    ]
    assert {row["timestamp"] for row in history} == {"2026-03-01T12:00:00Z"}
    assert {row["type"] for row in history} == {"history_record"}
    audits = rows(client, "1002/audits", query=query, fields="action")
    assert (len(audits), audits[0]["type"]) == (len(history), "audit")
    for refused in ({"order_by": "id"}, {"query": "\"action='Delete'||action='Update'\""}):
        answer = client.get(f"{SPACE}/workspaces/1002/audits", params=refused)
        assert answer.status_code == 400
    simulator.faults.refuse("audit")  # what a caller who is no administrator meets
    assert client.get(f"{SPACE}/workspaces/1002/audits").status_code == 403
    assert client.get(f"{SPACE}/workspaces/1002/history_records").status_code == 200


def test_the_log_gives_ten_thousand_records_at_most(
    simulator: Simulator, client: httpx.Client
) -> None:
    simulator.store.insert_many("audit", ({"action": "Create"} for _ in range(10_001)))
    path = f"{SPACE}/workspaces/1002/audits"
    answer = client.get(path, params={"limit": "1000", "offset": "9500"}).json()
    assert (len(answer["data"]), answer["total_count"]) == (500, 10_000)
    assert answer["exceeds_total_count"] is True
    assert client.get(path, params={"offset": "10000"}).json()["data"] == []


def test_audits_of_site_space_and_shared_area_are_those_of_the_master(client: httpx.Client) -> None:
    make(client, "500/teams", name="T")
    for path in ("/api/audits", f"{SPACE}/audits", f"{SPACE}/shared_area/audits"):
        answer_rows = rows(
            client, path, fields="entity_type,field_name", query="\"field_name='name'\""
        )
        assert [row["entity_type"] for row in answer_rows] == ["team"], path
    answer = client.post(f"{SPACE}/workspaces/500/defects", json={"data": [{"name": "D"}]})
    assert answer.status_code == 403
