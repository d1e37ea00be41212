"""The change history as programs read it from live servers: records, queries, bounds, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator
from octane_simulator.store.history_table import Save, add_saves
from tests.contract.contract_requests import KEY, PREVIEW, WS, client_of, get, make, refusal, switch

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
OPENED = {"type": "phase", "id": "phase.defect.opened"}
SPACE = "/api/shared_spaces/1001"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=START, workspaces=["1002", "1003"])
    yield simulator
    simulator.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with client_of(simulator) as client:
        yield client


def history(client: httpx.Client, query: str, **params: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = get(client, "history_logs", query=f'"{query}"', **params)[
        "data"
    ]
    return records


def put(client: httpx.Client, path: str, **values: Any) -> None:
    client.put(f"{WS}/{path}", json=values).raise_for_status()


def later(simulator: Simulator, **passed: float) -> None:
    simulator.clock.set(simulator.clock.now() + timedelta(**passed), frozen=True)


@pytest.fixture
def defect(simulator: Simulator, client: httpx.Client) -> str:
    """A defect that was created, opened two days later, and renamed after that."""
    (defect,) = make(client, "defects", {"name": "Login fails"})
    later(simulator, days=2)
    put(client, f"defects/{defect}", phase=OPENED, story_points=5)
    later(simulator, hours=1)
    put(client, f"defects/{defect}", name="Login fails often")
    return defect


def test_one_record_is_one_save_and_has_an_entry_for_each_field(
    client: httpx.Client, defect: str
) -> None:
    answer = get(client, "history_logs", query=f"\"(entity_id='{defect}';entity_type='defect')\"")
    assert set(answer) == {"total_count", "data", "exceeds_total_count"}
    renamed, opened, created = answer["data"]
    assert opened == {
        "timestamp": "2026-03-03T10:00:00Z", "action": "update", "entity_id": defect,
        "user": {"name": "sam.simulator", "full_name": "Sam Simulator"},
        "change_set": [
            {"field_name": "phase", "field_label": "Phase", "old_value": "phase.defect.new",
             "old_value_text": "New", "value": "phase.defect.opened", "value_text": "Opened"},
            {"field_name": "story_points", "field_label": opened["change_set"][1]["field_label"],
             "old_value": None, "old_value_text": None, "value": "5", "value_text": "5"},
        ],
    }  # fmt: skip
    assert renamed["change_set"][0]["old_value_text"] == "Login fails"
    first = {entry["field_name"]: entry for entry in created["change_set"]}
    assert (created["action"], created["timestamp"]) == ("create", "2026-03-01T10:00:00Z")
    assert (first["phase"]["value"], first["phase"]["value_text"]) == ("phase.defect.new", "New")
    assert {entry["old_value_text"] for entry in created["change_set"]} == {"<missing>"}


def test_several_tags_of_one_save_come_as_several_entries_of_the_field(
    client: httpx.Client, defect: str
) -> None:
    tags = make(client, "user_tags", *({"name": name} for name in ("a", "b", "c")))
    refs = [{"type": "user_tag", "id": tag} for tag in tags]
    put(client, f"defects/{defect}", user_tags={"data": refs[:2]})
    put(client, f"defects/{defect}", user_tags={"data": refs[1:]})
    changed, added = history(
        client, f"entity_type='defect';entity_id='{defect}';field_name='user_tags'"
    )
    shown = [
        (entry["field_name"], entry["old_value_text"], entry["value_text"])
        for record in (added, changed)
        for entry in record["change_set"]
    ]
    assert shown == [
        ("user_tags", None, "a"),
        ("user_tags", None, "b"),
        ("user_tags", "a", None),
        ("user_tags", None, "c"),
    ]


def test_user_defined_fields_and_deletions_are_in_the_history(
    simulator: Simulator, client: httpx.Client, defect: str
) -> None:
    switch(client, "add_field", field="defect.customer_udf", label="Customer")
    put(client, f"defects/{defect}", customer_udf="ACME")
    later(simulator, hours=1)
    client.delete(f"{WS}/defects/{defect}").raise_for_status()
    deleted, changed = history(client, f"entity_id='{defect}';entity_type='defect'", limit="2")
    assert (deleted["action"], deleted["change_set"]) == ("delete", [])
    assert changed["change_set"][0]["field_label"] == "Customer"


def test_a_save_that_changes_nothing_leaves_no_record(client: httpx.Client, defect: str) -> None:
    put(client, f"defects/{defect}", phase=OPENED, name="Login fails often")
    assert len(history(client, f"entity_id='{defect}';entity_type='defect'")) == 3


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ("(entity_id IN '{id}','999999';entity_type='defect';timestamp>='2026-03-02T00:00:00Z')",
         ["update", "update"]),
        ("timestamp>=^2026-03-01T00:00:00Z^;timestamp<=^2026-03-03T10:00:00Z^;"
         "entity_type=^defect^;action=^update^;field_name=^phase^", ["update"]),
        ("entity_type EQ ^defect^;action EQ ^create^", ["create"]),
        ("entity_type=^defect^;user EQ {id EQ 1001}", ["update", "update", "create"]),
        ("entity_type=^defect^;user=^Sam Simulator^", ["update", "update", "create"]),
        ("entity_type=^story^", []),
        ("entity_type=^defect^;!action=^create^", ["update", "update"]),
    ],
)  # fmt: skip
def test_history_is_found_by_type_id_field_action_time_and_user(
    client: httpx.Client, defect: str, query: str, actions: list[str]
) -> None:
    records = history(client, query.replace("{id}", defect))
    assert [record["action"] for record in records] == actions


def test_newest_records_come_first_unless_an_order_is_named(
    simulator: Simulator, client: httpx.Client
) -> None:
    ids = make(client, "defects", {"name": "A"}, {"name": "B"})
    later(simulator, seconds=1)
    ids += make(client, "defects", {"name": "C"})
    newest_first = [record["entity_id"] for record in history(client, "entity_type='defect'")]
    assert newest_first == ids[::-1]
    for order, expected in (("-timestamp", ids[::-1]), ("timestamp", ids)):
        records = history(client, "entity_type='defect'", order_by=order)
        assert [record["entity_id"] for record in records] == expected


def test_a_query_gives_ten_thousand_records_and_takes_a_limit_of_as_many(
    simulator: Simulator, client: httpx.Client
) -> None:
    entry = {"field_name": "phase", "value": "phase.defect.opened", "value_text": "Opened"}
    add_saves(simulator.store, (Save("defect", str(n), "update", [entry]) for n in range(10_001)))
    query = "\"entity_type='defect'\""
    for limit in ("10000", "5000"):
        answer = get(client, "history_logs", query=query, limit=limit, order_by="-timestamp")
        assert (len(answer["data"]), answer["total_count"]) == (int(limit), 10_000)
        assert answer["exceeds_total_count"] is True
    assert len(get(client, "history_logs", query=query, offset="9000")["data"]) == 1000
    assert get(client, "history_logs", query=query, offset="10000")["data"] == []
    answer = client.get(f"{WS}/history_logs", params={"limit": "10001"})
    assert refusal(answer) == (400, "platform.illegal_field_value")


def test_the_bounds_of_the_history_can_be_lower(client: httpx.Client, defect: str) -> None:
    switch(client, "history_size", cap=2, limit=1)
    query = "\"entity_type='defect'\""
    pages = [get(client, "history_logs", query=query, offset=str(at)) for at in range(3)]
    assert [len(page["data"]) for page in pages] == [1, 1, 0]
    assert {(page["total_count"], page["exceeds_total_count"]) for page in pages} == {(2, True)}
    assert client.get(f"{WS}/history_logs", params={"limit": "2"}).status_code == 400


def test_history_is_that_of_a_workspace_and_403_elsewhere(
    client: httpx.Client, defect: str
) -> None:
    assert get(client, "history_logs")["total_count"] >= 3
    other = client.get(
        f"{SPACE}/workspaces/1003/history_logs", params={"query": "\"entity_type='defect'\""}
    )
    assert other.json()["total_count"] == 0
    for level in ("/api", SPACE, f"{SPACE}/shared_area"):
        assert client.get(f"{level}/history_logs").status_code == 403, level


def test_restricted_users_must_name_type_and_id(client: httpx.Client, defect: str) -> None:
    switch(client, "history_restricted")
    for query in (
        "entity_type='defect'",
        f"entity_id='{defect}'",
        f"entity_type='defect';!entity_id='{defect}'",
    ):
        answer = client.get(f"{WS}/history_logs", params={"query": f'"{query}"'})
        assert refusal(answer) == (403, "platform.not_authorized"), query
    assert client.get(f"{WS}/history_logs").status_code == 403
    assert len(history(client, f"entity_type='defect';entity_id IN '{defect}','1'")) == 3


def test_retention_forgets_the_oldest_records(client: httpx.Client, defect: str) -> None:
    switch(client, "history_retention", days=1)
    records = history(client, f"entity_id='{defect}';entity_type='defect'")
    assert [record["action"] for record in records] == ["update", "update"]


@pytest.mark.parametrize("status", [403, 404])
def test_history_may_be_refused_while_everything_else_answers(
    client: httpx.Client, defect: str, status: int
) -> None:
    switch(client, "refuse", entity="history_log", status=status)
    assert client.get(f"{WS}/history_logs").status_code == status
    assert get(client, f"defects/{defect}")["id"] == defect
    assert client.get(f"{WS}/history_records").status_code == 200


def test_history_needs_the_preview_header(simulator: Simulator) -> None:
    transport = httpx.WSGITransport(app=simulator.wsgi)
    with httpx.Client(transport=transport, base_url="http://octane") as client:
        client.post("/authentication/sign_in", json=KEY).raise_for_status()
        assert client.get(f"{WS}/history_logs").status_code == 403
        assert client.get(f"{WS}/history_logs", headers=PREVIEW).status_code == 200


@pytest.mark.parametrize(
    ("form", "key", "user"),
    [
        ({"keys": "valueName"}, "valueName", "user"),
        ({"keys": "new_value", "user": "user_name"}, "new_value_text", "user_name"),
    ],
)
def test_other_spellings_of_the_new_value_and_the_user(
    client: httpx.Client, defect: str, form: dict[str, str], key: str, user: str
) -> None:
    switch(client, "history_form", **form)
    (opened,) = history(client, "entity_type='defect';field_name='phase';action='update'")
    assert opened["change_set"][0][key] == "Opened"
    assert "value_text" not in opened["change_set"][0]
    assert user in opened


def test_history_records_may_have_the_records_of_the_log(client: httpx.Client, defect: str) -> None:
    switch(client, "refuse", entity="history_log", status=404)
    query = f"\"entity_type='defect';entity_id='{defect}'\""
    own = get(client, "history_records", query=query, fields="field_name,new_value")["data"]
    assert {"field_name", "new_value"} <= set(own[0])
    switch(client, "history_records")
    records = get(client, "history_records", query=query)["data"]
    assert [record["action"] for record in records] == ["update", "update", "create"]


def test_a_late_commit_has_its_earlier_time_in_the_history(
    simulator: Simulator, client: httpx.Client, defect: str
) -> None:
    switch(client, "late_commit", seconds=600)
    put(client, f"defects/{defect}", name="Late")
    late = history(client, f"entity_id='{defect}';entity_type='defect';field_name='name'")[1]
    assert late["change_set"][0]["value"] == "Late"
    moment = simulator.clock.now() - timedelta(seconds=600)
    assert late["timestamp"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_unknown_query_item_is_refused(client: httpx.Client) -> None:
    answer = client.get(f"{WS}/history_logs", params={"query": "\"old_value='x'\""})
    assert refusal(answer) == (400, "platform.unknown_field")
