"""Rules of writes in the simulator: workflow, uniqueness, suites, scripts, reports, groups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from octane_simulator import Simulator

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WS = "/api/shared_spaces/1001/workspaces/1002"
Row = dict[str, Any]


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


def make(client: httpx.Client, collection: str, **row: Any) -> str:
    answer = client.post(f"/{collection}", json={"data": [row]})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["data"][0]["id"]
    return made


def rows(client: httpx.Client, path: str, **params: str) -> list[Row]:
    answer = client.get(f"/{path}", params=params)
    assert answer.status_code == 200, answer.text
    answer_rows: list[Row] = answer.json()["data"]
    return answer_rows


def ref(kind: str, identifier: str) -> Row:
    return {"type": kind, "id": identifier}


def node(word: str) -> Row:
    return ref("list_node", f"list_node.run_native_status.{word}")


def release(client: httpx.Client, name: str = "R") -> Row:
    made = make(client, "releases", name=name, start_date="2026-01-01T00:00:00Z",
                end_date="2026-06-01T00:00:00Z")  # fmt: skip
    return ref("release", made)


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


# -- suites and scripts -------------------------------------------------------------------------

SCRIPT = "- Open\n- ?It is open\n- @{called} shared\n"


def test_a_started_run_gets_the_steps_of_the_script_once(client: httpx.Client) -> None:
    shared = make(client, "manual_tests", name="Shared")
    client.put(f"/tests/{shared}/script", json={"script": "- Sign in\n"})
    test = make(client, "manual_tests", name="M")
    client.put(f"/tests/{test}/script", json={"script": SCRIPT.format(called=shared)})
    run = make(client, "manual_runs", name="M", test=ref("test_manual", test),
               release=release(client), native_status=node("planned"))  # fmt: skip
    query = f'"run EQ {{id EQ {run}}}"'
    assert rows(client, "run_steps", query=query) == []
    for word in ("not_completed", "passed"):
        client.put(f"/manual_runs/{run}", json={"native_status": node(word)})
    steps = rows(client, "run_steps", query=query, fields="description,step_type", order_by="id")
    assert [
        (step["step_type"]["id"].rsplit(".", 1)[-1], step["description"]) for step in steps
    ] == [
        ("normal", "Open"),
        ("validate", "It is open"),
        ("normal", "Sign in"),
    ]
    own = client.get(f"/manual_runs/{run}", params={"fields": "run_steps,status"}).json()
    assert own["run_steps"]["total_count"] == 3
    assert own["status"]["id"] == "list_node.run_status.passed"


def test_scripts_have_revisions_and_a_lock(simulator: Simulator, client: httpx.Client) -> None:
    test = make(client, "gherkin_tests", name="G")
    path = f"/tests/{test}/script"
    client.put(path, json={"script": "Feature: a", "comment": "first"})
    client.put(path, json={"script": "Feature: b", "revision_type": "Minor"})
    text = client.get(path).json()["script"]
    assert text == f"#Auto generated Octane revision tag\n@TID{test}REV0.2.0\nFeature: b"
    client.put(path, json={"script": text, "revision_type": "Major"})
    assert client.get(path).json()["script"].count("@TID") == 1
    versions = rows(client, "test_versions", fields="name,comment,test", order_by="id")
    assert [row["name"] for row in versions] == ["0.1.0", "0.2.0", "1.0.0"]
    assert versions[0]["comment"] == "first"
    assert client.put(path, json={"script": "x", "revision_type": "Huge"}).status_code == 400
    simulator.store.locked_scripts.add(test)
    assert client.put(path, json={"script": "x"}).status_code == 409
    suite = make(client, "test_suites", name="S")
    assert client.get(f"/tests/{suite}/script").status_code == 404


def test_a_suite_run_plans_the_tests_that_are_included(client: httpx.Client) -> None:
    manual = make(client, "manual_tests", name="M")
    gherkin = make(client, "gherkin_tests", name="G")
    suite = make(client, "test_suites", name="S")
    for kind, test, included in (
        ("manual", manual, True),
        ("gherkin", gherkin, True),
        ("manual", manual, False),
    ):
        make(client, "test_suite_link_to_tests", subtype=f"test_suite_link_to_{kind}",
             test=ref("test", test), test_suite=ref("test", suite),
             include_in_next_run=included)  # fmt: skip
    goal = release(client)
    run = make(client, "suite_run", name="S", test=ref("test_suite", suite), release=goal,
               native_status=node("planned"),
               default_run_by=ref("workspace_user", "1001"))  # fmt: skip
    fields = "test,native_status,status,release,run_by,parent_suite"
    children = rows(
        client, "runs", query=f'"parent_suite EQ {{id EQ {run}}}"', fields=fields, order_by="id"
    )
    assert [child["test"]["id"] for child in children] == [manual, gherkin]
    for child in children:
        assert child["native_status"]["id"] == "list_node.run_native_status.planned"
        assert child["status"]["id"] == "list_node.run_status.planned"
        assert (child["release"]["id"], child["run_by"]["id"]) == (goal["id"], "1001")
    assert client.post(f"/suite_runs/{run}/run_auto").status_code == 201
    assert client.get(f"/suite_runs/{run}/run_auto").status_code == 405
    shown = client.get(f"/suite_run/{run}", params={"fields": "native_status,runs_in_suite"}).json()
    assert shown["native_status"]["id"] == "list_node.run_native_status.not_completed"
    assert shown["runs_in_suite"]["total_count"] == 2


@pytest.mark.parametrize(
    ("native", "summary"),
    [("passed", "passed"), ("failed", "failed"), ("skipped", "skipped"), ("planned", "planned"),
     ("blocked", "requires_attention"), ("not_completed", "requires_attention")],
)  # fmt: skip
def test_the_summary_status_follows_the_native_one(
    client: httpx.Client, native: str, summary: str
) -> None:
    test = make(client, "manual_tests", name="M")
    run = make(
        client, "manual_runs", name="M", test=ref("test_manual", test), native_status=node(native)
    )
    shown = client.get(f"/manual_runs/{run}", params={"fields": "status"}).json()
    assert shown["status"]["id"] == f"list_node.run_status.{summary}"


# -- last runs ----------------------------------------------------------------------------------


def test_one_last_run_for_each_release_milestone_program_and_environment(
    simulator: Simulator, client: httpx.Client
) -> None:
    test = ref("test_manual", make(client, "manual_tests", name="M"))
    first_release, second_release = release(client, "A"), release(client, "B")
    milestone = ref(
        "milestone",
        make(client, "milestones", name="M", release=first_release, date="2026-04-01T00:00:00Z"),
    )
    program = ref("program", make(client, "programs", name="P"))
    browser = make(client, "taxonomy_category_nodes", name="Browser")
    firefox = make(
        client,
        "taxonomy_item_nodes",
        name="Firefox",
        category=ref("taxonomy_category_node", browser),
    )
    tags = {"taxonomies": {"data": [ref("taxonomy_item_node", firefox)]}}
    made = []
    for more in (
        {"release": first_release},
        {"release": first_release},
        {"release": second_release},
        {"release": first_release, **tags},
        {"release": first_release, "milestone": milestone},
        {"release": first_release, "draft_run": True},
        {"release": first_release, "program": program},
    ):
        simulator.clock.advance(1)
        row = {"name": "M", "test": test, "native_status": node("passed"), **more}
        made.append(make(client, "manual_runs", **row))
    planned = make(client, "manual_runs", name="M", test=test, release=first_release,
                   native_status=node("planned"))  # fmt: skip

    def last() -> set[str]:
        return {run["id"] for run in rows(client, "runs", query='"is_test_last_run EQ true"')}

    assert last() == {made[1], made[2], made[3], made[4], made[6], planned}
    client.delete(f"/manual_runs/{made[1]}")
    assert last() == {made[0], made[2], made[3], made[4], made[6], planned}
    shown = client.get(f"/tests/{test['id']}", params={"fields": "last_runs"}).json()
    assert {run["id"] for run in shown["last_runs"]["data"]} == last()


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
