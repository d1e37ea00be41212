"""The test-results and CI build resources of the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from octane_simulator import Simulator
from octane_simulator.faults.active_faults import Faults
from octane_simulator.http import build_routes, result_routes
from octane_simulator.model.refusals import ApiError
from octane_simulator.results import result_tasks
from octane_simulator.results.result_document import parse
from octane_simulator.results.result_schema import SchemaError
from octane_simulator.store.entity_store import Store

BASE = "/api/shared_spaces/1001/workspaces/1002"
START = datetime(2021, 1, 20, 12, tzinfo=UTC)


@pytest.fixture(name="simulator")
def _simulator() -> Iterator[Simulator]:
    simulator = Simulator(clock=START)
    simulator.store.insert(
        "release",
        {
            "name": "2.9",
            "start_date": "2021-01-01T00:00:00Z",
            "end_date": "2021-03-31T00:00:00Z",
        },
        id="1003",
    )
    yield simulator
    simulator.close()


@pytest.fixture(name="store")
def _store(simulator: Simulator) -> Store:
    return simulator.store


def ask(store: Store, method: str, path: str, body: str | bytes | None = None) -> Response:
    path, _, query = path.partition("?")
    data = body.encode() if isinstance(body, str) else body
    builder = EnvironBuilder(path=BASE + path, query_string=query, method=method, data=data)
    request = Request(builder.get_environ())
    builder.close()
    is_report = path.startswith("/analytics")
    try:
        if is_report:
            return build_routes.answer(store, request)
        return result_routes.answer(store, Faults(), request)
    except ApiError as error:  # application.py makes an answer of it
        return Response(json.dumps(error.body()), error.status)


def post(store: Store, body: str, query: str = "") -> dict[str, Any]:
    answer = ask(store, "POST", f"/test-results{query}", body)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    task: dict[str, Any] = json.loads(answer.get_data())
    polled: dict[str, Any] = json.loads(ask(store, "GET", f"/test-results/{task['id']}").get_data())
    return polled


def document(runs: str, context: str = "") -> str:
    return f"<test_result>{context}<test_runs>{runs}</test_runs></test_result>"


def run(name: str = "t", status: str = "Passed", inner: str = "", more: str = "") -> str:
    return f"<test_run name='{name}' duration='5' status='{status}' {more}>{inner}</test_run>"


def test_post_answers_queued_and_the_task_then_says_success(store: Store) -> None:
    answer = ask(store, "POST", "/test-results", document(run()))
    task = json.loads(answer.get_data())
    assert (answer.status_code, task["status"]) == (202, "queued")
    polled = json.loads(ask(store, "GET", f"/test-results/{task['id']}").get_data())
    assert polled["status"] == "success"
    assert polled["until"] == "2021-01-21T12:00:00+0000"


def test_log_of_a_task_is_plain_text(store: Store) -> None:
    task = post(store, document(run()))
    answer = ask(store, "GET", f"/test-results/{task['id']}/log")
    assert answer.mimetype == "text/plain"
    assert "1 results kept" in answer.get_data(as_text=True)


def test_an_unknown_task_is_not_found(store: Store) -> None:
    assert ask(store, "GET", "/test-results/77").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        "no xml",
        "<test_result/>",
        "<other/>",
        "<!DOCTYPE a><test_result><test_runs/></test_result>",
        document("<test_run name='a' status='Passed'/>"),
        document("<test_run name='a' duration='1.5' status='Passed'/>"),
        document("<test_run name='a' duration='1' status='passed'/>"),
        document("<test_run name='' duration='1' status='Passed'/>"),
        document(f"<test_run name='{'a' * 256}' duration='1' status='Passed'/>"),
        document(run(more="colour='red'")),
        document(run(more="external_report_url='ftp://x.example'")),
        document(run(inner="<error/><release name='r'/>")),
        document(run(inner="<release name='r'/><release_ref id='1'/>")),
        document(run(inner="words")),
        document(run(), "<environment/><release name='r'/>"),
        document(run(), "<build server_id='s' job_id='j'/>"),
        document(run(), "<test_fields><test_field type='Colour' value='red'/></test_fields>"),
        document(run() + "<gherkin_test_run name='g' duration='1' status='Passed'/>"),
    ],
)
def test_a_breach_of_the_schema_is_refused_and_stores_nothing(store: Store, body: str) -> None:
    answer = ask(store, "POST", "/test-results", body)
    assert answer.status_code == 400
    assert json.loads(answer.get_data())["description"]
    assert store.find("run_automated") == []


def test_a_schema_error_names_element_and_attribute() -> None:
    with pytest.raises(SchemaError, match="'duration' of <test_run> is 'x'"):
        parse(document("<test_run name='a' duration='x' status='Passed'/>").encode())


def test_a_result_makes_its_test_and_its_run(store: Store) -> None:
    inner = "<error type='E' message='m'>stack &lt;here&gt;</error>"
    more = "module='mod' package='p' class='C' started='1611144000000'"
    post(store, document(run("t", "Failed", inner, more)))
    (test,) = store.find("test_automated")
    assert (test["component"], test["package"], test["class_name"]) == ("mod", "p", "C")
    (row,) = store.find("run_automated")
    assert row["native_status"]["id"] == "list_node.run_native_status.failed"
    assert row["status"]["id"] == "list_node.run_status.failed"
    assert row["started"].startswith("2021-01-20T12:00:00")
    assert (row["error_type"], row["error_message"]) == ("E", "m")
    assert row["error_details"] == "stack <here>"
    assert row["test_of_last_run"] == {"type": "test_automated", "id": test["id"]}


def test_a_new_result_moves_the_old_one_to_the_history(simulator: Simulator) -> None:
    store = simulator.store
    post(store, document(run(status="Failed"), "<build server_id='s' job_id='j' build_id='1'/>"))
    simulator.clock.advance(3600)
    post(store, document(run(), "<build server_id='s' job_id='j' build_id='2'/>"))
    (row,) = store.find("run_automated")
    (old,) = store.find("run_history")
    assert row["native_status"]["id"] == "list_node.run_native_status.passed"
    assert row["creation_time"] == "2021-01-20T13:00:00Z"
    assert old["run_native_status"]["id"] == "list_node.run_native_status.failed"
    assert (old["run_id"], old["build_name"]) == (int(row["id"]), "1")
    assert old["build_id"] != int(row["build"]["id"])


def test_several_results_of_a_test_in_one_document_stay_in_order(store: Store) -> None:
    post(store, document(run(status="Failed") + run(status="Skipped") + run()))
    (row,) = store.find("run_automated")
    words = [old["run_status"]["id"].rsplit(".")[-1] for old in store.find("run_history")]
    assert words == ["failed", "skipped"]
    assert row["status"]["id"].endswith("passed")


def test_environment_tags_and_release_split_runs(store: Store) -> None:
    tags = "<environment><taxonomy type='OS' value='{}'/></environment>"
    for context in ("", tags.format("a"), tags.format("b"), "<release name='2.9'/>"):
        post(store, document(run(), context))
    assert len(store.find("run_automated")) == 4
    assert store.find("run_history") == []
    assert len(store.find("taxonomy_category_node", name="OS")) == 1
    assert len(store.find("taxonomy_item_node")) == 2


def test_module_package_class_and_name_tell_tests_apart(store: Store) -> None:
    post(store, document(run(more="package='a'") + run(more="package='b'") + run()))
    assert len(store.find("test_automated")) == 3


def test_the_inner_context_wins(store: Store) -> None:
    store.insert(
        "release",
        {"name": "3.0", "start_date": "2022-01-01T00:00:00Z", "end_date": "2022-02-01T00:00:00Z"},
        id="1009",
    )
    inner = "<release_ref id='1009'/>"
    post(store, document(run("a", inner=inner) + run("b"), "<release name='2.9'/>"))
    releases = {row["test_name"]: row["release"]["id"] for row in store.find("run_automated")}
    assert releases == {"a": "1009", "b": "1003"}


def test_a_recoverable_error_skips_its_element_only(store: Store) -> None:
    bad = run("bad", inner="<milestone_ref id='77'/>")
    task = post(store, document(bad + run("good")))
    assert task["status"] == "warning"
    assert "milestone" in task["errorDetails"]
    assert [row["name"] for row in store.find("test_automated")] == ["good"]


def test_skip_errors_keeps_what_is_valid(store: Store) -> None:
    bad = run("bad", inner="<release_ref id='1003'/><milestone_ref id='77'/>")
    task = post(store, document(bad), "?skip-errors=true")
    (row,) = store.find("run_automated")
    assert task["status"] == "warning"
    assert row["release"]["id"] == "1003"
    assert row["milestone"] is None


def test_nothing_kept_is_a_failed_task(store: Store) -> None:
    assert post(store, document(run(), "<release name='nowhere'/>"))["status"] == "failed"
    assert store.find("test_automated") == []


def test_an_identical_document_is_not_processed_twice(store: Store) -> None:
    first = post(store, document(run()))
    again = json.loads(ask(store, "POST", "/test-results", document(run())).get_data())
    assert again == {"status": "success", "id": first["id"]}
    assert store.find("run_history") == []


def test_tests_and_runs_are_read_again_without_the_memory(store: Store) -> None:
    tags = "<environment><taxonomy type='OS' value='a'/></environment>"
    post(store, document(run(status="Failed"), tags))
    result_tasks.forget(store)
    post(store, document(run(), tags))
    assert len(store.find("test_automated")) == len(store.find("run_automated")) == 1
    assert len(store.find("run_history")) == 1


def test_a_deleted_run_is_made_anew(store: Store) -> None:
    post(store, document(run()))
    (row,) = store.find("run_automated")
    store.delete("run_automated", row["id"])
    post(store, document(run(status="Skipped")))
    assert len(store.find("run_automated")) == 1
    assert store.find("run_history") == []


def test_a_planned_run_is_an_extra_last_run_until_its_result_comes(store: Store) -> None:
    post(store, document(run(status="Planned")))
    assert len(store.find("run_automated")) == 1
    post(store, document(run()))
    assert len(store.find("run_automated")) == 1
    post(store, document(run(status="Planned"), "<release name='2.9'/>"))
    assert len(store.find("run_automated")) == 2
    assert store.find("run_history") == []


def test_modules_and_backlog_items_reach_the_test(store: Store) -> None:
    area = store.insert("product_area", {"name": "m"})
    inner = f"<product_areas><product_area_ref id='{area}'/></product_areas>"
    post(store, document(run(inner=inner)))
    (test,) = store.find("test_automated")
    assert store.linked("test_automated", test["id"], "product_areas") == [
        {"type": "product_area", "id": area}
    ]


def test_the_age_of_a_failure_counts_builds(store: Store) -> None:
    for number, status in enumerate(("Failed", "Failed", "Failed", "Passed"), 1):
        build = f"<build server_id='s' job_id='j' build_id='{number}'/>"
        post(store, document(run(status=status), build))
    assert [old["failed_build_age"] for old in store.find("run_history")] == [1, 2, 3]
    assert [old["is_new_failure"] for old in store.find("run_history")] == [True, False, False]
    assert store.find("run_automated")[0]["failed_build_age"] is None


def test_a_gherkin_result_makes_a_gherkin_run(store: Store) -> None:
    xml = (
        "<gherkin_test_run name='Log in' duration='7' status='Failed'>"
        "<feature name='Log in' path='f/login.feature' tag='' started='1611144000000'>"
        "<file>Feature: Log in</file><scenarios><scenario name='s' status='Failed'><steps>"
        "<step name='Given a' duration='1' status='failed'>"
        "<error_message>wrong password</error_message></step></steps></scenario></scenarios>"
        "</feature></gherkin_test_run>"
    )
    post(store, document(xml))
    (row,) = store.find("gherkin_automated_run")
    assert row["test"]["type"] == "gherkin_test"
    assert row["error_details"] == "wrong password"
    assert store.find("gherkin_test")[0]["name"] == "Log in"


def _pipeline(store: Store) -> str:
    server = store.insert("ci_server", {"name": "s", "instance_id": "s"})
    return store.insert(
        "pipeline",
        {"name": "p", "ci_server": {"type": "ci_server", "id": server}, "root_job_ci_id": "j"},
    )


def test_a_build_of_a_registered_pipeline_gets_a_pipeline_run(store: Store) -> None:
    pipeline = _pipeline(store)
    build = "<build server_id='s' job_id='j' build_id='9'/>"
    post(store, document(run(status="Failed"), build))
    (made,) = store.find("pipeline_run")
    assert made["pipeline"]["id"] == pipeline
    assert made["status"]["id"] == "list_node.pipeline_run_status.unstable"
    assert store.find("run_automated")[0]["pipeline"]["id"] == pipeline
    assert len(store.find("pipeline_node")) == 1


def test_a_reported_build_is_the_one_its_results_name(store: Store) -> None:
    _pipeline(store)
    report = {"serverCiId": "s", "jobCiId": "j", "buildCiId": "9", "status": "finished",
              "result": "failure", "startTime": 1611144000000, "duration": 60000}  # fmt: skip
    assert ask(store, "PUT", "/analytics/ci/builds", json.dumps(report)).status_code == 200
    result_tasks.forget(store)
    post(store, document(run(), "<build server_id='s' job_id='j' build_id='9'/>"))
    (build,) = store.find("ci_build")
    assert (build["result"], build["duration"]) == ("failure", 60000)
    assert len(store.find("pipeline_run")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("[]", 400),
        ('{"serverCiId": "s", "jobCiId": "j"}', 400),
        ('{"serverCiId": "s", "jobCiId": "j", "buildCiId": "1", "status": "done"}', 400),
        ('{"serverCiId": "other", "jobCiId": "j", "buildCiId": "1"}', 404),
    ],
)
def test_a_wrong_build_report_is_refused(store: Store, body: str, status: int) -> None:
    _pipeline(store)
    assert ask(store, "PUT", "/analytics/ci/builds", body).status_code == status
