"""Plans applied to a live server: what is sent, what is not, and that the next extract shows it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from octane_flows import warehouse
from octane_flows.actions import (
    Plan,
    Verdict,
    read_plan,
    write_plan,
)
from octane_flows.cli import app
from octane_flows.client import Workspace
from octane_flows.errors import UnavailableError, UsageError
from octane_flows.questions import question_named, run_question
from octane_flows.questions.catalogue import list_questions
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import Row, World, environment_of, node, open_world, phase

ATTACH = "manual_test_steps_and_attachments"
UDF = {"field_name": "post_release_udf", "field_label": "Post Release", "field_type": "boolean"}


def fill(world: World) -> None:
    release = world.create(
        "releases",
        "2.9",
        is_default=True,
        start_date="2021-01-01T00:00:00Z",
        end_date="2021-12-31T00:00:00Z",
    )
    root = {"type": "work_item_root", "id": "1001"}
    feature = world.create("features", "Grid", parent=root, phase=phase("feature.intesting"))
    world.create("stories", "Draw", parent=feature, phase=phase("story.done"))
    story = world.create("stories", "Print", parent=root, phase=phase("story.intesting"))
    done = phase("task.completed")
    world.create("tasks", "Write", story=story, phase=done, item_type=node("task_item_type.test"))
    world.create("defects", "Crash", parent=root, phase=phase("defect.new"))
    manual = world.create("manual_tests", "Install", phase=phase("test_manual.ready"))
    owner = {"type": "workspace_user", "id": "1001"}
    world.create(
        "gherkin_tests",
        "Log in",
        phase=phase("gherkin_test.new"),
        owner=owner,
        automation_status=node("automation_status.ready_for_automation"),
    )
    world.workspace.write_script(str(manual["id"]), "- Open it\n- ?It is open\n", comment="")
    suite = world.create("test_suites", "Regression")
    link = {"test": manual, "test_suite": suite, "include_in_next_run": True}
    world.workspace.create("test_suite_link_to_manual_tests", [link])
    assert release


def fail_two_tests(world: World, simulator: Simulator) -> None:
    """Two automated tests that fail alike: one has an owner, and its run is linked to a defect."""
    store = simulator.store
    status = {
        "native_status": node("run_native_status.failed"),
        "status": node("run_status.failed"),
    }
    for number, owner in enumerate(({"type": "workspace_user", "id": "1001"}, None)):
        test = store.insert("test_automated", {"name": f"Grid {number}", "owner": owner})
        run = store.insert(
            "run_automated",
            {
                "name": f"Grid {number}",
                "test": {"type": "test_automated", "id": test},
                **status,
                "error_message": f"expected {number}",
            },
        )
        if owner is not None:
            linked = {"run": {"data": [{"type": "run_automated", "id": run}]}}
            world.workspace.update_one("defects", world.ids["Crash"], linked)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(Simulator(dataset="empty", seed=3)) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(server, tmp_path_factory.mktemp("actions")) as made:
        fill(made)
        fail_two_tests(made, server.simulator)
        made.rebuild()
        yield made


PARAMETERS: dict[str, dict[str, str]] = {
    "my_gherkin_tests_to_automate": {"user_id": "1001"},
    "user_defined_field_values": {**UDF, "value": "true"},
    "tests_to_put_into_suite": {"test_suite_name": 'Smoke "2.9" (new)'},
    ATTACH: {"test_name": "Install", "step_number": "2"},
}
SENT = {
    "manual_test_steps_and_attachments": 2,  # the attachment and the script
    "my_gherkin_tests_to_automate": 1,
    "manual_tests_without_run": 1,
    "tests_to_put_into_suite": 3,  # the suite, a manual and a Gherkin test
    "test_suites_without_run": 1,
    "work_items_without_test_task": 1,
    "stories_with_completed_tasks": 1,
    "features_with_done_stories": 1,
    "user_defined_field_values": 2,  # the field and one value
    "triage": 3,  # a run and the owner of the defect, the owner of a test
}


def test_every_plan_is_applied_once_and_the_next_extract_shows_it(
    world: World, tmp_path: Path
) -> None:
    PARAMETERS[ATTACH]["file_path"] = str(tmp_path / "open it.png")
    (tmp_path / "open it.png").write_bytes(b"\x89PNG\r\n--\x00")
    assert set(SENT) == {plan.slug for plan in list_questions("plan")}
    PARAMETERS["user_defined_field_values"]["entity_ids"] = world.ids["Crash"]
    before = {"stories_with_completed_tasks": world.flow("stories_with_completed_tasks")}
    plans = {slug: world.plan(slug, **PARAMETERS.get(slug, {})) for slug in SENT}
    assert {slug: len(plan.requests) for slug, plan in plans.items()} == SENT

    for plan in plans.values():
        first = world.apply(plan)
        assert [(verdict.outcome, verdict.detail) for verdict in first] == [("done", "")] * len(
            first
        )
    sent = len(world.audit.read())
    for plan in plans.values():
        assert {verdict.outcome for verdict in world.apply(plan)} == {"already"}
    assert all(line["event"] == "verdict" for line in world.audit.read()[sent:])

    world.rebuild()
    assert before == {"stories_with_completed_tasks": 1}
    for slug in SENT:
        parameters = {"user_id": "1001"} if slug.startswith("my_") else {}
        if slug == "tests_to_put_into_suite":
            with warehouse.connect(world.settings.home) as connection:
                rows = run_question(
                    connection, question_named("flow", slug), {"test_suite_id": suite_named(world)}
                ).to_pylist()
            assert rows == []
        elif slug == ATTACH:
            assert world.plan(slug, **PARAMETERS[slug]).requests == ()
            with warehouse.connect(world.settings.home) as connection:
                rows = run_question(
                    connection, question_named("flow", slug), {"file_name": "open it.png"}
                ).to_pylist()
            assert [(row["step_text"], row["file_bytes"]) for row in rows] == [
                ("It is open (open it.png)", 9)
            ]
        elif slug == "triage":
            assert world.plan(slug).requests == ()
        elif slug == "user_defined_field_values":
            assert world.flow(slug, field_name="post_release_udf") == 1
        elif slug == "test_suites_without_run":
            assert world.flow(slug, test_suite_name="Regression") == 0
        else:
            assert world.flow(slug, **parameters) == 0


def suite_named(world: World) -> str:
    rows = world.workspace.page("test_suites", fields=["name"]).rows
    return str(next(row["id"] for row in rows if row["name"].startswith("Smoke")))


@pytest.fixture
def story(world: World) -> str:
    """A story in testing whose only task is completed, not yet extracted."""
    number = len(world.ids)
    root = {"type": "work_item_root", "id": "1001"}
    made = world.create("stories", f"s{number}", parent=root, phase=phase("story.intesting"))
    world.create("tasks", f"t{number}", story=made, phase=phase("task.completed"))
    return str(made["id"])


def plan_for(world: World, story: str, **more: Any) -> Plan:
    """The plan that moves one story to Done, as the SQL makes it."""
    template = {
        "fields": {"phase": phase("story.intesting")},
        "some": [{"entity_type": "task", "query": f"story EQ {{id EQ {story}}}"}],
        "none": [
            {
                "entity_type": "task",
                "query": f"story EQ {{id EQ {story}}};"
                "!phase EQ {logical_name IN ^phase.task.completed^}",
            }
        ],
    }
    request = {
        "workspace_id": world.workspace.id, "step": 1, "operation": "update",
        "entity_type": "story", "entity_id": story, "entity_name": "s", "expected": template,
        "body": {"phase": phase("story.done")}, "reason": "all of its tasks are completed", **more,
    }  # fmt: skip
    plan = Plan("stories_with_completed_tasks", {}, world.settings.url, "1001", 1, ())
    path = world.settings.home / "edited.json"
    write_plan(plan, path)
    text = json.loads(path.read_text())
    path.write_text(json.dumps({**text, "requests": [request]}))
    return read_plan(path)


def test_a_task_reopened_meanwhile_stops_its_story(world: World, story: str) -> None:
    plan = plan_for(world, story)
    tasks = world.workspace.page("tasks", fields=["id"], query=f"story EQ {{id EQ {story}}}").rows
    world.workspace.update_one("tasks", tasks[0]["id"], {"phase": phase("task.inprogress")})

    [verdict] = world.apply(plan)

    assert verdict.outcome == "changed"
    assert f"is there: {tasks[0]['id']}" in verdict.detail
    read = world.workspace.entity("stories", story, fields=["phase"])
    assert read["phase"]["id"] == "phase.story.intesting"


def test_an_item_that_somebody_moved_is_left_alone(world: World, story: str) -> None:
    world.workspace.update_one("stories", story, {"phase": phase("story.inprogress")})

    [verdict] = world.apply(plan_for(world, story))

    assert verdict.outcome == "changed"
    assert verdict.detail == "since the plan was made: phase is phase.story.inprogress"


def test_a_refusal_is_told_and_the_others_go_on(world: World, story: str) -> None:
    good = plan_for(world, story).requests[0]
    bad = dataclasses.replace(good, body={"phase": phase("story.new")})
    deleted = dataclasses.replace(good, step=2, entity_id="999999")
    plan = plan_for(world, story)
    plan = dataclasses.replace(plan, requests=(bad, deleted, dataclasses.replace(good, step=3)))

    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["refused", "refused", "done"]
    assert "There is no transition" in verdicts[0].detail
    events = [line.get("outcome", line["event"]) for line in world.audit.read()[-5:]]
    assert events == ["sending", "refused", "refused", "sending", "done"]


def test_what_a_failed_step_was_to_give_is_not_waited_for(world: World) -> None:
    base = plan_for(world, "1").requests[0]
    suite = dataclasses.replace(
        base,
        operation="create",
        entity_id=None,
        entity_type="test_suite",
        expected={},
        body={"name": "No", "nothing": 1},
    )
    reference = {"type": "test", "id": "step:1"}
    link = dataclasses.replace(
        suite, step=2, entity_type="test_suite_link_to_manual", body={"test_suite": reference}
    )
    plan = dataclasses.replace(
        plan_for(world, "1"),
        slug="tests_to_put_into_suite",
        parameters={},
        requests=(suite, link),
    )

    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["refused", "skipped"]
    assert verdicts[1].detail == "step 1 did not give an id"


def test_without_an_answer_the_rest_is_not_tried(
    world: World, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> Row:
        raise UnavailableError("no answer came")

    first = plan_for(world, story).requests[0]
    plan = dataclasses.replace(
        plan_for(world, story), requests=(first, dataclasses.replace(first, step=2))
    )
    monkeypatch.setattr(Workspace, "update_one", lost)

    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["unknown", "skipped"]
    assert verdicts[0].detail == "no answer came"


def test_what_reads_back_otherwise_is_told(
    world: World, story: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workspace, "update_one", lambda *_, **__: {})

    [verdict] = world.apply(plan_for(world, story))

    assert verdict.outcome == "differs"
    assert verdict.detail == "it reads back as phase is phase.story.intesting"


def test_an_interrupted_run_goes_on(world: World, story: str) -> None:
    first = plan_for(world, story).requests[0]
    second = dataclasses.replace(first, step=2)
    plan = dataclasses.replace(plan_for(world, story), requests=(first, second))

    def stop(verdict: Verdict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.apply(plan, progress=stop)

    assert [verdict.outcome for verdict in world.apply(plan)] == ["already", "already"]


def test_a_plan_above_the_limit_or_for_another_server_is_not_sent(world: World, story: str) -> None:
    plan = plan_for(world, story)
    lines = len(world.audit.read())

    with pytest.raises(UsageError, match="1 requests and 0 are allowed"):
        world.apply(plan, limit=0)
    with pytest.raises(UsageError, match="is for http://elsewhere"):
        world.apply(dataclasses.replace(plan, server_url="http://elsewhere"))
    assert len(world.audit.read()) == lines


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"operation": "delete"}, "'delete' is unknown"),
        ({"entity_id": None}, "an update needs an entity_id"),
        ({"expected": {"all": []}}, "step 1 expects all"),
        ({"body": {}}, "an empty body"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(world: World, change: Row, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan_for(world, "1", **change)


def test_the_command_line_plans_asks_for_a_yes_and_applies(
    server: Running, world: World, story: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(server, tmp_path / "home")
    for name, value in {**environment, "OCTANE_HOME": str(world.settings.home)}.items():
        monkeypatch.setenv(name, value)
    world.rebuild()
    slug, file = "stories_with_completed_tasks", tmp_path / "plan.json"
    runner = CliRunner()

    written = runner.invoke(app, ["plan", slug, "--output", str(file)])
    assert written.exit_code == 0, written.output
    assert read_plan(file).requests[-1].entity_id == story
    shown = runner.invoke(app, ["apply", str(file)])
    assert isinstance(shown.exception, UsageError)
    assert "Nothing was sent" in str(shown.exception)
    applied = runner.invoke(app, ["apply", str(file), "--yes", "--json"])
    assert applied.exit_code == 0, applied.output
    assert json.loads(applied.stdout)[-1]["outcome"] == "done"
    again = runner.invoke(app, ["apply", slug, "--yes"])
    assert "already" in again.output


def test_reported_results_are_runs_with_their_context(
    server: Running, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(server, tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OCTANE_HOME", str(world.settings.home))
    file = tmp_path / "junit.xml"
    file.write_text(
        '<testsuite><testcase classname="a.Grid" name="reported" time="0.2">'
        '<failure type="E" message="no paper">at Grid</failure></testcase></testsuite>'
    )
    story = world.ids["Print"]
    arguments = [
        "report-results", str(file), "--server-id", "ci-1", "--job-id", "nightly", "--build-id",
        "17", "--job-name", "Nightly", "--release-name", "2.9", "--backlog-item", story,
        "--environment", "OS=Linux",
    ]  # fmt: skip
    runner = CliRunner()

    printed = runner.invoke(app, [*arguments, "--xml"])
    assert printed.exit_code == 0, printed.output
    assert "<test_run " in printed.stdout
    runs = world.workspace.page("automated_runs", fields=["name"], query="name EQ ^reported^")
    assert runs.total_count == 0

    sent = runner.invoke(app, arguments)
    assert sent.exit_code == 0, sent.output
    assert "1 results (1 Failed)" in sent.stdout
    [run] = world.workspace.page(
        "automated_runs",
        fields=["error_message", "release", "taxonomies", "duration"],
        query="test_name EQ ^reported^",
    ).rows
    assert (run["error_message"], run["duration"]) == ("no paper", 200)
    assert run["release"]["id"] == world.ids["2.9"]
    assert run["taxonomies"]["total_count"] == 1
    assert [line["event"] for line in world.audit.read()[-2:]] == ["sending", "verdict"]


def test_a_plan_that_is_not_there_is_told_from_one_that_is_none(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")

    with pytest.raises(UsageError, match=r"missing\.json could not be read \(No such file"):
        read_plan(tmp_path / "missing.json")
    with pytest.raises(UsageError, match=r"other\.json is no plan"):
        read_plan(other)
