"""Flows 15 to 17 in the order of their pages: server, pipeline, builds, results, history."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from octane_simulator import Simulator

BASE = "/api/shared_spaces/1001/workspaces/1002"
XS = "{http://www.w3.org/2001/XMLSchema}"
DOCUMENTS = Path(__file__).parent / "test_result_documents"
SERVER = {
    "name": "CI",
    "url": "http://ci.example.invalid",
    "server_type": "ci_server",
    "instance_id": "serverId",
}
PIPELINE = {
    "name": "Main",
    "server_ci_id": "serverId",
    "root_job_ci_id": "myJob",
    "jobs": [{"name": "My job", "jobCiId": "myJob"}],
}
BUILD = {"serverCiId": "serverId", "jobCiId": "myJob", "buildCiId": "122", "buildName": "#122",
         "startTime": 1_611_144_000_000, "duration": 60_000, "status": "finished",
         "result": "success"}  # fmt: skip


class Caller:
    """A signed-in client that takes JSON apart."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.client = Client(simulator.wsgi)
        secret = {"client_id": "simulator_client", "client_secret": "simulator_secret"}
        assert self.client.post("/authentication/sign_in", json=secret).status_code == 200

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"ALM-OCTANE-TECH-PREVIEW": "true", **more.pop("headers", {})}
        return self.client.open(f"{BASE}/{path}", method=method, headers=headers, **more)

    def create(self, collection: str, *rows: dict[str, Any]) -> TestResponse:
        return self.send("POST", collection, json={"data": list(rows)})

    def rows(self, collection: str, fields: str, query: str | None = None) -> list[dict[str, Any]]:
        parameters = {"fields": fields, "limit": "1000"}
        if query:
            parameters["query"] = f'"{query}"'
        answer = self.send("GET", collection, query_string=parameters)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        data: list[dict[str, Any]] = json.loads(answer.get_data())["data"]
        return data

    def results(self, xml: bytes, **headers: str) -> dict[str, Any]:
        answer = self.send(
            "POST", "test-results", data=xml, headers={"Content-Type": "application/xml", **headers}
        )
        assert answer.status_code == 202, answer.get_data(as_text=True)
        task = json.loads(answer.get_data())
        polled: dict[str, Any] = json.loads(
            self.send("GET", f"test-results/{task['id']}").get_data()
        )
        return polled


@pytest.fixture(name="caller")
def _caller() -> Iterator[Caller]:
    simulator = Simulator(clock=datetime(2021, 1, 20, 12, tzinfo=UTC))
    caller = Caller(simulator)
    assert caller.create("ci_servers", SERVER).status_code == 201
    assert caller.create("pipelines", PIPELINE).status_code == 201
    yield caller
    simulator.close()


def document(name: str) -> bytes:
    return (DOCUMENTS / name).read_bytes()


def test_a_pipeline_named_by_its_servers_own_id_refers_to_the_server(caller: Caller) -> None:
    (server,) = caller.rows("ci_servers", "instance_id,pipeline")
    (pipeline,) = caller.rows("pipelines", "ci_server,server_ci_id,root_job_ci_id")
    assert pipeline["ci_server"] == {"type": "ci_server", "id": server["id"]}
    assert server["pipeline"]["data"] == [{"type": "pipeline", "id": pipeline["id"]}]


def test_a_server_without_an_instance_id_gets_one(caller: Caller) -> None:
    bare = {key: value for key, value in SERVER.items() if key != "instance_id"}
    caller.create("ci_servers", {**bare, "name": "Other"})
    (server,) = caller.rows("ci_servers", "instance_id", "name EQ ^Other^")
    assert server["instance_id"]


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"server_ci_id": None}, 400, "platform.missing_required_field"),
        ({"server_ci_id": "nobody"}, 409, "platform.entity_not_found"),
        ({"root_job_ci_id": ""}, 400, "platform.missing_required_field"),
        ({"jobs": []}, 400, "platform.missing_required_field"),
        ({"jobs": "all"}, 400, "platform.illegal_field_value"),
        ({"jobs": [{"jobCiId": "x"}]}, 400, "platform.illegal_field_value"),
        ({"name": "Main"}, 409, "platform.duplicate_entity_error"),
    ],
)
def test_a_pipeline_that_breaks_a_rule_is_refused(
    caller: Caller, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = caller.create("pipelines", {**PIPELINE, "name": "Second", **changed})
    assert answer.status_code == status
    (error,) = json.loads(answer.get_data())["errors"]
    assert error["error_code"] == code
    assert len(caller.rows("pipelines", "id")) == 1


def test_a_build_is_reported_and_changed(caller: Caller) -> None:
    for report in ({**BUILD, "status": "running", "result": "unavailable"}, BUILD):
        assert caller.send("PUT", "analytics/ci/builds", json=report).status_code == 200
    (build,) = caller.rows("ci_builds", "name,status,result,start_time,duration,pipeline_run")
    assert (build["name"], build["status"], build["result"]) == ("#122", "finished", "success")
    (run,) = caller.rows("pipeline_runs", "status,ci_builds", "pipeline EQ {name EQ ^Main^}")
    assert run["status"]["id"] == "list_node.pipeline_run_status.success"
    assert run["ci_builds"]["data"] == [{"type": "ci_build", "id": build["id"]}]


def test_a_build_belongs_to_the_pipeline_run_of_its_cause(caller: Caller) -> None:
    caller.send("PUT", "analytics/ci/builds", json=BUILD)
    cause = [{"jobCiId": "myJob", "buildCiId": "122"}]
    child = {**BUILD, "jobCiId": "b", "buildCiId": "7", "result": "failure", "causes": cause}
    assert caller.send("PUT", "analytics/ci/builds", json=child).status_code == 200
    (run,) = caller.rows("pipeline_runs", "ci_builds,status")
    assert run["ci_builds"]["total_count"] == 2
    assert run["status"]["id"] == "list_node.pipeline_run_status.success"


@pytest.mark.parametrize(
    "wrong",
    [{"serverCiId": ""}, {"status": "done"}, {"startTime": "now"}, {"startTime": 10**30},
     {"causes": "none"}, {"causes": [{"jobCiId": "b"}]}, {"buildName": 5}],
)  # fmt: skip
def test_a_wrong_build_report_is_refused(caller: Caller, wrong: dict[str, Any]) -> None:
    assert caller.send("PUT", "analytics/ci/builds", json={**BUILD, **wrong}).status_code == 400
    assert caller.rows("ci_builds", "id") == []


def test_the_vendors_junit_document_becomes_runs_of_its_build(caller: Caller) -> None:
    task = caller.results(document("junit_twoTestSuitesExpected.xml"))
    assert task["status"] == "success", task
    runs = caller.rows(
        "automated_runs",
        "name,status,error_type,error_message,error_details,build,pipeline,test_framework,test_level",
    )
    assert len(runs) == 3
    assert {run["test_framework"]["id"] for run in runs} == {"list_node.je.framework.junit"}
    assert {run["test_level"]["id"] for run in runs} == {"list_node.test_level.unit"}
    (pipeline,) = caller.rows("pipelines", "id")
    assert {run["pipeline"]["id"] for run in runs} == {pipeline["id"]}
    (run,) = (row for row in runs if row["name"].startswith("Use a program name"))
    assert run["status"]["id"] == "list_node.run_status.failed"
    assert run["error_type"] == "WARNING"
    assert run["error_details"].startswith("WARNING: Use a program name")


def test_the_vendors_gherkin_document_becomes_gherkin_tests(caller: Caller) -> None:
    task = caller.results(document("gherkin_twoFeaturesExpected.xml"))
    assert task["status"] == "success", task
    runs = caller.rows("gherkin_automated_runs", "name,status,started,error_details,test")
    tests = caller.rows("gherkin_tests", "name,run")
    assert len(runs) == len(tests) == 2
    (run,) = (row for row in runs if row["name"] == "Boolean Calculator Operations")
    assert run["started"] == "2024-12-09T12:31:57Z"
    assert "AssertionFailedError" in run["error_details"]


def test_the_vendors_collection_tool_document_is_taken(caller: Caller) -> None:
    assert caller.results(document("TestResult.xml"))["status"] == "success"
    (test,) = caller.rows("automated_tests", "name,class_name,package")
    assert (test["class_name"], test["package"]) == ("SampleClass", "com.examples.example")


@pytest.mark.parametrize("encoding", ["gzip", "application/gzip"])
def test_a_packed_document_is_unpacked(caller: Caller, encoding: str) -> None:
    packed = gzip.compress(document("junit_twoTestSuitesExpected.xml"))
    assert caller.results(packed, **{"Content-Encoding": encoding})["status"] == "success"


def test_a_result_again_becomes_a_previous_run_that_bare_ids_find(caller: Caller) -> None:
    first = document("junit_twoTestSuitesExpected.xml")
    caller.results(first)
    assert caller.results(first)["status"] == "success"  # the same task: nothing is done twice
    assert caller.rows("previous_runs", "id") == []
    caller.simulator.clock.advance(60)
    caller.results(first.replace(b'build_id="123"', b'build_id="124"'))
    fields = "run_id,build_id,run_native_status,run_started,pipeline_id,pipeline_run_id"
    (old, *_) = rows = caller.rows("previous_runs", fields)
    assert len(rows) == 3
    run = old["pipeline_run_id"]["id"]
    pipeline = old["pipeline_id"]["id"]
    failed = "run_native_status EQ {id EQ ^list_node.run_native_status.failed^}"
    for query, count in (
        (f"build_id EQ {old['build_id']}", 3),
        (f"run_id EQ {old['run_id']}", 1),
        (f"pipeline_run_id EQ {run};pipeline_id EQ {pipeline}", 3),
        (
            f"build_id EQ {old['build_id']};{failed};run_started GT ^2021-01-20T11:00:00Z^",
            sum(row["run_native_status"]["id"].endswith("failed") for row in rows),
        ),
        ("run_started GT ^2021-01-20T12:00:00Z^", 0),
    ):
        assert len(caller.rows("previous_runs", "id", query)) == count, query


def test_the_schema_of_results_can_be_read_and_names_what_documents_hold(caller: Caller) -> None:
    answer = caller.send("GET", "test-results/xsd")
    assert (answer.status_code, answer.mimetype) == (200, "application/xml")
    schema = ET.fromstring(answer.get_data())
    names = {
        kind: {node.attrib["name"] for node in schema.iter(f"{XS}{kind}") if "name" in node.attrib}
        for kind in ("element", "attribute")
    }
    for path in DOCUMENTS.glob("*.xml"):
        for node in ET.fromstring(path.read_bytes()).iter():
            assert node.tag in names["element"]
            assert {name for name in node.attrib if "}" not in name} <= names["attribute"]
    levels = schema.findall(f".//{XS}complexType[@name='test_field']//{XS}enumeration")
    assert [node.attrib["value"] for node in levels] == [
        "Test_Level",
        "Test_Type",
        "Testing_Tool_Type",
        "Framework",
    ]
    assert caller.send("POST", "test-results/xsd").status_code == 405


def test_results_that_name_a_suite_belong_to_its_newest_suite_run(caller: Caller) -> None:
    store = caller.simulator.store
    suite = store.insert("test_suite", {"name": "Nightly"})
    test = {"type": "test_suite", "id": suite}
    _, newest = (store.insert("run_suite", {"name": name, "test": test}) for name in ("A", "B"))
    run = "<test_run name='t' duration='1' status='Passed'/>"
    xml = f"<test_result><suite_ref id='{suite}'/><test_runs>{run}</test_runs></test_result>"
    assert caller.results(xml.encode())["status"] == "success"
    (automated,) = caller.rows("automated_runs", "parent_suite")
    assert automated["parent_suite"] == {"type": "run_suite", "id": newest}
    (parent,) = caller.rows("suite_run", "runs_in_suite", f"id EQ {newest}")
    assert [row["id"] for row in parent["runs_in_suite"]["data"]] == [automated["id"]]
