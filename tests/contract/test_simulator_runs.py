"""Rules of tests and runs in the simulator: scripts, suites, statuses, last runs."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from octane_simulator import Simulator
from tests.contract.rule_requests import NOW, WS, make, node, ref, release, rows


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
