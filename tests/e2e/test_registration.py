"""Server, pipeline and build registered before results are reported (flow 15), on a live server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from octane_flows import warehouse
from octane_flows.actions.build_registration import Build, look_up, register
from octane_flows.actions.results_xml import Document
from octane_flows.actions.send_results import send_document
from octane_flows.actions.sending_lock import sending_lock
from octane_flows.cli import app
from octane_flows.client import Workspace
from octane_flows.errors import RequestError, ServerError, UnavailableError, UsageError
from octane_flows.questions import question_named, run_question
from octane_simulator import Simulator, serve
from tests.e2e.support import World, environment_of, open_world

OPTIONS = (
    "--server-id", "ci-1", "--job-id", "nightly", "--build-id", "17", "--job-name", "Nightly",
    "--register", "--server-name", "Our CI", "--server-url", "http://ci.example.com",
    "--build-result", "failure", "--build-started", "2021-01-20T21:00:00Z",
    "--build-duration-ms", "5000",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    simulator, patch = Simulator(dataset="empty", seed=3), pytest.MonkeyPatch()
    with serve(simulator) as running, open_world(running, home) as made, patch.context() as context:
        for name, value in environment_of(running, home).items():
            context.setenv(name, value)
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "junit.xml"
    path.write_text(
        '<testsuite><testcase classname="a.Grid" name="draws" time="0.2">'
        '<failure message="no paper">at Grid</failure></testcase>'
        '<testcase classname="a.Grid" name="prints" time="0.1"/></testsuite>'
    )
    return path


def report(file: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["report-results", str(file), *OPTIONS, *more])


def test_a_build_is_registered_by_one_command_at_a_time(
    world: World, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "octane_flows.actions.build_registration.register.__kwdefaults__", {"wait_s": 0.0}
    )
    with sending_lock(world.audit.path.parent):
        refused = report(file)

    assert refused.exit_code == 1
    assert "wait for its end and run this again" in str(refused.exception)
    assert world.workspace.count("ci_servers") == 0
    assert world.audit.read() == []


def test_what_is_missing_is_registered_once_and_the_flow_shows_it(world: World, file: Path) -> None:
    shown = report(file, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "2 results (1 Failed, 1 Passed): not sent" in shown.stdout
    assert [line.partition(": ")[2].split()[0] for line in shown.stderr.splitlines()[1:]] == [
        "missing",
        "missing",
        "missing",
    ]
    assert world.workspace.count("ci_servers") == 0
    assert world.audit.read() == []

    sent = report(file)
    assert sent.exit_code == 0, sent.output
    assert sent.stderr.count(": done") == 3
    again = report(file)
    assert again.exit_code == 0, again.output
    assert again.stderr.count(": already") == 3
    assert [world.workspace.count(name) for name in ("ci_servers", "pipelines")] == [1, 1]

    world.rebuild()
    with warehouse.connect(world.settings.home) as connection:
        rows = run_question(connection, question_named("flow", "reported_builds")).to_pylist()
        failures = run_question(
            connection, question_named("flow", "failed_automated_runs")
        ).to_pylist()
    assert len(rows) == 1
    assert (rows[0]["ci_server_name"], rows[0]["pipeline_name"]) == ("Our CI", "Nightly")
    assert f"{rows[0]['build_started_at']:%Y-%m-%d %H:%M}" == "2021-01-20 21:00"
    assert (rows[0]["failed_count"], rows[0]["passed_count"]) == (1, 1)
    assert [row["error_message"] for row in failures] == ["no paper"]


def build(**changed: str) -> Build:
    facts: Any = {
        "server_id": "ci-1", "job_id": "nightly", "build_id": "17", "server_name": "Our CI",
        "pipeline_name": "Nightly", "job_name": "Nightly", "build_name": "17", "result": "success",
    }  # fmt: skip
    return Build(server_url=None, **{**facts, **changed})


def test_a_name_that_another_pipeline_has_stops_before_the_results(
    world: World, file: Path
) -> None:
    world.workspace.create("ci_servers", [{"name": "other", "instance_id": "ci-2"}])
    jobs = [{"name": "Weekly", "jobCiId": "weekly"}]
    server = {"name": "Weekly", "server_ci_id": "ci-2", "root_job_ci_id": "weekly", "jobs": jobs}
    world.workspace.create("pipelines", [server])

    sent = report(file, "--pipeline-name", "Weekly", "--job-id", "monthly")

    assert sent.exit_code == 1
    assert "and root job weekly; give another --pipeline-name" in sent.stderr
    assert "so the results were not sent" in sent.stderr
    assert world.workspace.count("pipelines", "name EQ ^Weekly^") == 1


def test_a_refusal_is_told_in_the_servers_words(world: World) -> None:
    verdicts = register(
        world.workspace, build(server_id="ci-3", server_name="x" * 300), world.audit
    )

    assert [verdict.outcome for verdict in verdicts] == ["refused"]
    assert "255" in verdicts[0].detail
    last = world.audit.read()[-1]
    assert (last["event"], last["outcome"]) == ("verdict", "refused")
    assert json.dumps(last)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(UnavailableError("no answer came"), "unknown"), (RequestError("it says no"), "refused")],
)
def test_what_was_sent_has_a_verdict_also_when_it_fails(
    world: World, monkeypatch: pytest.MonkeyPatch, error: ServerError, outcome: str
) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise error

    monkeypatch.setattr(Workspace, "post_test_results", fail)
    monkeypatch.setattr(Workspace, "create", fail)

    with pytest.raises(type(error)):
        send_document(world.workspace, Document(b"<test_result/>", 0), world.audit)
    lines = [world.audit.read()[-1]]
    if outcome == "unknown":
        with pytest.raises(UnavailableError):
            register(world.workspace, build(server_id="ci-4"), world.audit)
        lines.append(world.audit.read()[-1])

    assert [(line["event"], line["outcome"], line["detail"]) for line in lines] == [
        ("verdict", outcome, str(error))
    ] * len(lines)


def test_a_word_that_is_no_result_is_refused_before_anything_is_asked(world: World) -> None:
    with pytest.raises(UsageError, match="'green' is no result of a build"):
        look_up(world.workspace, build(result="green"))


def test_jobs_of_one_build_that_report_at_once_register_it_once(world: World) -> None:
    build = Build("ci-9", "at-once", "1", "CI", None, "At once", "At once", "1", "success")
    with ThreadPoolExecutor(4) as pool:
        reports = [pool.submit(register, world.workspace, build, world.audit) for _ in range(4)]
        outcomes = [step.outcome for job in reports for step in job.result()]

    assert sorted(outcomes) == ["already"] * 9 + ["done"] * 3
