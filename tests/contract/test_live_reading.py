"""Facts about reading from live servers: default pages, subtypes, order, groups, uploads."""

from __future__ import annotations

import json

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.contract_requests import WS, get, make, refusal, switch

WORK_ITEM = {"type": "defect", "id": "1002"}


@pytest.fixture(name="client")
def _client(preview: httpx.Client) -> httpx.Client:
    return preview


def test_without_limit_far_more_than_fifty_rows_come(client: httpx.Client) -> None:
    make(client, "user_tags", *({"name": f"t{n}"} for n in range(1100)))
    assert len(get(client, "user_tags")["data"]) == 1000
    for collection in ("list_nodes", "phases"):
        page = get(client, collection)
        assert len(page["data"]) == page["total_count"] > 100, collection


@pytest.mark.parametrize(
    ("aggregate", "collection", "row", "subtype"),
    [
        ("work_items", "defects", {"name": "D"}, "defect"),
        ("tests", "manual_tests", {"name": "T"}, "test_manual"),
        (
            "runs",
            "manual_runs",
            {"name": "R", "test": {"type": "test_manual", "id": "1001"}},
            "run_manual",
        ),
        ("requirements", "requirement_folders", {"name": "F"}, "requirement_folder"),
        ("taxonomy_nodes", "taxonomy_category_nodes", {"name": "OS"}, "taxonomy_category_node"),
    ],
)
@pytest.mark.parametrize("fields", [{}, {"fields": "name"}])
def test_rows_of_aggregates_carry_their_subtype_unasked(
    client: httpx.Client,
    aggregate: str,
    collection: str,
    row: dict[str, object],
    subtype: str,
    fields: dict[str, str],
) -> None:
    if collection == "manual_runs":
        make(client, "manual_tests", {"name": "T"})
    (made,) = make(client, collection, row)
    rows = {row["id"]: row for row in get(client, aggregate, **fields)["data"]}
    assert rows[made]["subtype"] == subtype
    assert get(client, f"{aggregate}/{made}", **fields)["subtype"] == subtype


def test_rows_of_executors_carry_their_subtype(simulator: Simulator, client: httpx.Client) -> None:
    simulator.store.insert("test_runner", {"name": "Runner"})
    assert get(client, "executors")["data"][0]["subtype"] == "test_runner"


@pytest.mark.parametrize("collection", ["list_nodes", "phases", "metaphases"])
def test_named_collections_sort_by_name(client: httpx.Client, collection: str) -> None:
    rows = get(client, collection, fields="name", order_by="name,id")["data"]
    names = [row["name"].casefold() for row in rows]
    assert names == sorted(names)


def test_groups_give_numeric_ids_of_list_nodes_on_request(client: httpx.Client) -> None:
    severity = {"type": "list_node", "id": "list_node.severity.high"}
    make(client, "defects", {"name": "D", "severity": severity})
    query = {"group_by": "severity", "query": '"!severity EQ {null}"'}
    (named,) = get(client, "defects/groups", **query)["groups"]
    (numbered,) = get(client, "defects/groups", use_numeric_id="true", **query)["groups"]
    assert named["value"]["id"] == "list_node.severity.high"
    assert numbered["value"]["id"].isdecimal()
    assert numbered["value"]["logical_name"] == "list_node.severity.high"


def test_the_count_cap_hits_groups_too(client: httpx.Client) -> None:
    make(client, "defects", *({"name": f"D{n}"} for n in range(3)))
    switch(client, "count_cap", max=2)
    answer = client.get(f"{WS}/defects/groups", params={"group_by": "severity"})
    assert refusal(answer) == (400, "platform.exceeds_max_total_count")
    answer = client.get(f"{WS}/defects/groups", params={"group_by": "phase", "query": '"id<1004"'})
    assert answer.json()["groups"][0]["count"] == 2


@pytest.mark.parametrize("as_stream", [False, True])
def test_an_upload_answers_with_the_fields_that_are_asked_for(
    client: httpx.Client, as_stream: bool
) -> None:
    make(client, "defects", {"name": "D"})
    path = f"{WS}/attachments?fields=owner_work_item"
    if as_stream:
        owner = json.dumps(WORK_ITEM)
        answer = client.post(
            path,
            params={"fields": "owner_work_item", "name": "a.txt", "owner_work_item": owner},
            content=b"x",
            headers={"Content-Type": "application/octet-stream"},
        )
    else:
        entity = json.dumps({"name": "a.txt", "owner_work_item": WORK_ITEM}).encode()
        files = {
            "entity": ("blob", entity, "application/json"),
            "content": ("a.txt", b"x", "text/plain"),
        }
        answer = client.post(path, files=files)
    assert answer.status_code == 201, answer.text
    (row,) = answer.json()["data"]
    assert row["owner_work_item"] == WORK_ITEM


def test_until_of_a_results_task_is_written_with_the_offset_as_digits(client: httpx.Client) -> None:
    document = (
        '<test_result><build server_id="s" job_id="j" build_id="1"/><test_runs>'
        '<test_run name="t" class="C" duration="1" status="Passed" started="1430919295889"/>'
        "</test_runs></test_result>"
    )
    posted = client.post(
        f"{WS}/test-results", content=document, headers={"Content-Type": "application/xml"}
    )
    assert posted.status_code == 202, posted.text
    task = client.get(f"{WS}/test-results/{posted.json()['id']}").json()
    assert task["until"] == "2021-01-21T21:00:00+0000"
