"""Rules of writes in the simulator: workflow, uniqueness, deletes, reports, groups."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.rule_requests import NOW, WS, Row, make, ref, rows


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=NOW)
    yield simulator
    simulator.close()


@pytest.fixture
def client(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(
        transport=httpx.WSGITransport(app=simulator.wsgi),
        base_url=f"http://simulator{WS}",
        auth=httpx.BasicAuth(simulator.auth.client_id, simulator.auth.client_secret),
        headers={"ALM-OCTANE-TECH-PREVIEW": "true"},
    ) as client:
        yield client


# -- phases -------------------------------------------------------------------------------------


def test_a_move_without_transition_is_refused_until_one_is_added(client: httpx.Client) -> None:
    story = make(client, "stories", name="S", phase=ref("phase", "phase.story.done"))
    back = {"phase": ref("phase", "phase.story.new")}
    answer = client.put(f"/stories/{story}", json=back)
    assert (answer.status_code, answer.json()["error_code"]) == (
        400,
        "platform.transition_not_allowed",
    )
    bulk = client.put("/stories", json={"data": [{"id": story, **back}, {"id": "1", "name": "x"}]})
    assert bulk.status_code == 409
    assert [error["index"] for error in bulk.json()["errors"]] == [0, 1]
    make(client, "transitions", entity="story", source_phase=ref("phase", "phase.story.done"),
         target_phase=ref("phase", "phase.story.new"))  # fmt: skip
    assert client.put(f"/stories/{story}", json=back).status_code == 200
    assert client.put(f"/stories/{story}", json=back).status_code == 200


def test_a_defect_counts_how_often_it_was_opened_again(client: httpx.Client) -> None:
    defect = make(client, "defects", name="D", phase=ref("phase", "phase.defect.new"))
    counts = []
    for word in ("opened", "opened", "fixed", "opened", "closed", "opened", "deferred", "opened"):
        phase = {"phase": ref("phase", f"phase.defect.{word}")}
        assert client.put(f"/defects/{defect}", json=phase).status_code == 200
        counts.append(client.get(f"/defects/{defect}?fields=reopens").json()["reopens"])

    assert counts == [None, None, None, 1, 1, 2, 2, 2]


def test_the_first_transition_of_each_phase_is_the_primary_one(client: httpx.Client) -> None:
    query = "\"entity EQ 'defect';is_primary EQ true\""
    answer_rows = rows(client, "transitions", query=query, fields="source_phase,target_phase")
    way = [(row["source_phase"]["id"], row["target_phase"]["id"]) for row in answer_rows]
    assert ("phase.defect.new", "phase.defect.opened") in way
    assert len(way) == len({source for source, _ in way})


# -- what must differ, what must fit ------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "row"),
    [
        ("user_tags", {"name": "T"}),
        ("ci_servers", {"name": "C", "instance_id": "i", "server_type": "x", "url": "u"}),
        ("taxonomy_category_nodes", {"name": "Browser"}),
        (
            "workspace_users",
            {"email": "a@b.c", "first_name": "A", "last_name": "B", "phone1": ""},
        ),
    ],
)
def test_what_must_be_unique_is_a_duplicate_the_second_time(
    client: httpx.Client, collection: str, row: Row
) -> None:
    make(client, collection, **row)
    answer = client.post(f"/{collection}", json={"data": [row]})
    assert answer.status_code == 409
    error = answer.json()["errors"][0]
    assert (error["error_code"], error["business_error"]) == (
        "platform.duplicate_entity_error",
        True,
    )


def test_names_have_255_characters_at_most(client: httpx.Client) -> None:
    make(client, "defects", name="x" * 255)
    answer = client.post("/defects", json={"data": [{"name": "x" * 256}]})
    assert answer.json()["errors"][0]["error_code"] == "platform.illegal_field_value"


def test_a_required_value_cannot_be_taken_away(client: httpx.Client) -> None:
    defect = make(client, "defects", name="D")
    answer = client.put(f"/defects/{defect}", json={"name": None})
    assert answer.json()["error_code"] == "platform.missing_required_field"


def test_a_reference_to_a_type_that_the_field_does_not_take_is_refused(
    client: httpx.Client,
) -> None:
    epic = make(client, "epics", name="E")
    for kind in ("epic", "work_item", "feature"):
        body = {"data": [{"name": "D", "parent": ref(kind, epic)}]}
        assert client.post("/defects", json=body).status_code >= 400, kind


# -- deletes, stamps ----------------------------------------------------------------------------


def test_a_delete_removes_the_rows_of_its_row_and_is_in_the_audit(client: httpx.Client) -> None:
    feature = make(client, "features", name="F")
    story = make(client, "stories", name="S", parent=ref("feature", feature))
    task = make(client, "tasks", name="T", story=ref("story", story))
    comment = make(client, "comments", text="hm", owner_work_item=ref("story", story))
    client.delete(f"/stories/{story}")
    for path in (f"stories/{story}", f"tasks/{task}", f"comments/{comment}"):
        assert client.get(f"/{path}").status_code == 404, path
    audited = rows(client, "audits", query="\"action='Delete'\"", fields="entity_type,entity_id")
    assert {(row["entity_type"], row["entity_id"]) for row in audited} == {
        ("story", story),
        ("task", task),
        ("comment", comment),
    }
    client.delete(f"/features/{feature}")
    answer = client.get("/work_items", params={"fields": "name"}).json()
    assert [row["name"] for row in answer["data"]] == ["Backlog"]


def test_delete_by_query_and_update_by_query_touch_what_they_select(
    simulator: Simulator, client: httpx.Client
) -> None:
    made = [make(client, "defects", name=f"D{n}") for n in range(4)]
    simulator.clock.advance(1)
    query = {"query": f'"id GT {made[1]}"'}
    answer = client.put("/defects", params=query, json={"data": [{"story_points": 5}]})
    assert [row["id"] for row in answer.json()["data"]] == made[2:]
    fields = "version_stamp,last_modified,story_points"
    answer_rows = rows(client, "defects", fields=fields, order_by="id")
    assert [(row["version_stamp"], row["story_points"]) for row in answer_rows] == [
        (1, None),
        (1, None),
        (2, 5),
        (2, 5),
    ]
    assert answer_rows[3]["last_modified"] == "2026-03-01T12:00:01Z"
    answer = client.delete("/defects", params={"query": '"story_points EQ 5"'})
    assert [row["id"] for row in answer.json()["data"]] == made[2:]
    assert len(rows(client, "defects")) == 2


# -- groups -------------------------------------------------------------------------------------


def test_groups_count_and_sum_by_one_field_or_several(client: httpx.Client) -> None:
    high = ref("list_node", "list_node.severity.high")
    for points, severity, blocked in ((3, high, True), (5, high, True), (None, None, False)):
        make(client, "defects", name="D", story_points=points, severity=severity, blocked=blocked)
    params = {"group_by": "severity", "group_data": "sum(story_points)"}
    answer = client.get("/defects/groups", params=params).json()
    assert answer == {"groupsTotalCount": 2, "groups": [
        {"count": 2, "aggregatedData": {"story_points": 8}, "value": {
            "type": "list_node", "id": "list_node.severity.high", "name": "High",
            "logical_name": "list_node.severity.high"}},
        {"count": 1, "value": None, "aggregatedData": {"story_points": None}},
    ]}  # fmt: skip
    answer = client.get("/work_items/groups", params={"group_by": "subtype,blocked"}).json()
    assert [(group["count"], group["value"]) for group in answer["groups"]] == [
        (2, ["defect", True]),
        (1, ["defect", False]),
        (1, ["work_item_root", None]),
    ]
    for wrong in (
        {"group_by": "workspace_id"},
        {"group_by": "name", "group_data": "max(id)"},
        {"group_by": "user_tags"},
        {},
    ):
        assert client.get("/defects/groups", params=wrong).status_code == 400, wrong


# -- attachments, reports -----------------------------------------------------------------------


def test_an_attachment_is_found_by_its_own_file_name_only(client: httpx.Client) -> None:
    test = make(client, "manual_tests", name="M")
    answer = client.post(
        "/attachments",
        params={"name": "a.txt", "owner_test": test},
        content=b"bytes",
        headers={"Content-Type": "application/octet-stream"},
    )
    made = answer.json()["data"][0]["id"]
    assert client.get(f"/attachments/{made}/a.txt").content == b"bytes"
    assert client.get(f"/attachments/{made}/b.txt").status_code == 404
    fields = "attachments,has_attachments"
    shown = client.get(f"/tests/{test}", params={"fields": fields}).json()
    assert (shown["has_attachments"], shown["attachments"]["data"]) == (
        True,
        [ref("attachment", made)],
    )


def test_a_document_report_with_descendants_as_flow_25_asks_for_it(client: httpx.Client) -> None:
    epic = make(client, "epics", name="Epic <1>")
    feature = make(client, "features", name="Feature", parent=ref("epic", epic))
    make(client, "stories", name="Story", parent=ref("feature", feature))
    fields = "title,file_name,document_type,report_entries"
    answer_rows = rows(client, "report_configurations", fields=fields, query='"name EQ ^Backlog^"')
    template = {key: value for key, value in answer_rows[0].items() if key not in {"type", "id"}}
    task = client.post("/reports", json=template).json()["background_task_id"]
    parameters = {"fields": "status,result", "query": f'"id EQ {task}"'}
    assert rows(client, "background_tasks", **parameters)[0]["status"] == "Running"
    done = rows(client, "background_tasks", **parameters)[0]
    assert (done["status"], done["result"]["file_name"]) == ("Finished", "backlog.html")
    path = f"/attachments/{done['result']['attachment_id']}"
    page = client.get(path, headers={"Accept": "application/octet-stream"}).text
    names = ["Epic &lt;1&gt;", "Feature", "Story"]
    assert [page.index(name) for name in names] == sorted(page.index(name) for name in names)
    assert client.post("/reports", json=template).status_code == 409
    broken = {**template, "file_name": "x", "report_entries": [{"entity_type": "nothing"}]}
    client.post("/reports", json=broken)
    rows(client, "background_tasks")
    failed = rows(client, "background_tasks", fields="status,result", order_by="id")[1]
    assert (failed["status"], "nothing" in failed["result"]["description"]) == ("Error", True)
    assert client.post("/reports", json={"data": [template]}).status_code == 400
