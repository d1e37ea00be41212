"""The simulator over real HTTP: creating, updating, deleting, attachments and scripts."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.contract.contract_requests import WS, get, make, refusal


def test_a_partly_wrong_request_keeps_the_good_rows(client: httpx.Client) -> None:
    rows = [{"name": "a"}, {"name": "b", "nonsense": 1}, {"name": "c", "version_stamp": 4},
            {"name": "d", "release": {"type": "release", "id": "77"}}, {}]  # fmt: skip
    answer = client.post(f"{WS}/defects?fields=name", json={"data": rows})
    body = answer.json()
    assert answer.status_code == 409
    assert [row["name"] for row in body["data"]] == ["a"]
    assert [(error["index"], error["error_code"]) for error in body["errors"]] == [
        (1, "platform.unknown_field"),
        (2, "platform.modify_non_editable_field"),
        (3, "platform.entity_not_found"),
        (4, "platform.missing_required_field"),
    ]
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
    answer = client.put(f"{WS}/defects/{ids[0]}?fields=name", json={"name": "A"})
    assert (answer.status_code, answer.json()["name"]) == (200, "A")
    many = client.put(
        f"{WS}/defects",
        json={"data": [{"id": ids[1], "blocked": True}, {"id": "9", "blocked": True}]},
    )
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
        "total_count": 1,
        "data": [{"type": "user_tag", "id": tags[1]}],
    }


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
    row = client.get(
        f"{WS}/attachments/{attachment}?fields=size,owner_test",
        headers={"Accept": "application/json"},
    ).json()
    assert (row["size"], row["owner_test"]["id"]) == (6, test)
    script = {"script": "- Open\n- ?Is open\n", "comment": "", "revision_type": "Minor"}
    assert client.put(f"{WS}/tests/{test}/script", json=script).status_code == 200
    assert get(client, f"tests/{test}/script")["script"] == script["script"]
    assert get(client, f"tests/{test}", fields="steps_num,has_attachments") == {
        "type": "test_manual",
        "subtype": "test_manual",
        "id": test,
        "steps_num": 2,
        "has_attachments": True,
    }
