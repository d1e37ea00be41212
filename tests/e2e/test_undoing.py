"""An apply is undone: former values come back where they still hold, and the rest is named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.actions import new_apply_id, undo_plan
from octane_flows.cli import app
from octane_flows.client import Octane
from octane_flows.client.session import Timing
from octane_flows.errors import UsageError
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import World, environment_of, node, open_world, phase

GHERKIN = "my_gherkin_tests_to_automate"
ATTACH = "manual_test_steps_and_attachments"
READY, AUTOMATED = (
    "list_node.automation_status.ready_for_automation",
    "list_node.automation_status.automated",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(Simulator(dataset="empty", seed=3)) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(server, tmp_path_factory.mktemp("undoing")) as made:
        me = {"type": "workspace_user", "id": "1001"}
        for name in ("a", "b", "c"):
            made.create(
                "gherkin_tests",
                name,
                phase=phase("gherkin_test.new"),
                owner=me,
                automation_status=node("automation_status.ready_for_automation"),
            )
        manual = made.create("manual_tests", "Install", phase=phase("test_manual.ready"))
        made.workspace.write_script(str(manual["id"]), "- Open it\n", comment="")
        made.create("stories", "Print", parent={"type": "work_item_root", "id": "1001"})
        made.rebuild()
        yield made


def status(world: World, name: str) -> str:
    read = world.workspace.entity("gherkin_tests", world.ids[name], fields=["automation_status"])
    return str(read["automation_status"]["id"])


def applied(world: World, slug: str, **parameters: str) -> str:
    plan = world.plan(slug, **parameters)
    apply_id = new_apply_id(plan)
    assert {verdict.outcome for verdict in world.apply(plan, apply_id=apply_id)} == {"done"}
    return apply_id


def test_former_values_come_back_where_what_was_written_still_holds(
    world: World, server: Running, tmp_path: Path
) -> None:
    apply_id = applied(world, GHERKIN, user_id="1001")
    assert {status(world, name) for name in "abc"} == {AUTOMATED}
    other = node("automation_status.not_automated")
    world.workspace.update_one("gherkin_tests", world.ids["b"], {"automation_status": other})

    environment = environment_of(server, tmp_path) | {"OCTANE_HOME": str(world.settings.home)}
    shown = CliRunner().invoke(app, ["apply", "--undo", apply_id], env=environment)
    assert "say --yes" in str(shown.exception)
    assert status(world, "a") == AUTOMATED
    done = CliRunner().invoke(
        app, ["apply", "--undo", apply_id, "--yes", "--json"], env=environment
    )

    outcomes = {row["entity_name"]: row["outcome"] for row in json.loads(done.stdout)}
    assert outcomes == {"a": "done", "b": "changed", "c": "done"}
    assert [status(world, name) for name in "abc"] == [READY, other["id"], READY]
    again = world.apply(undo_plan(world.audit, apply_id).plan)
    assert [verdict.outcome for verdict in again] == ["already", "changed", "already"]


@pytest.mark.parametrize("kind", ["unavailable", "cut_body"])
@pytest.mark.parametrize("after", [0, 1, 2])  # reading before, sending, reading again
def test_an_apply_that_ended_half_way_is_undone_where_it_wrote(
    world: World, server: Running, kind: str, after: int
) -> None:
    ready = {"automation_status": node("automation_status.ready_for_automation")}
    for name in "abc":
        world.workspace.update_one("gherkin_tests", world.ids[name], ready)
    plan = world.plan(GHERKIN, user_id="1001")
    assert [request.entity_name for request in plan.requests] == ["a", "b", "c"]
    apply_id = new_apply_id(plan)
    path = f"gherkin_tests/{world.ids['b']}"
    server.simulator.faults.add(kind, path=path, times=20, after=after)
    try:
        with Octane(world.settings, timing=Timing(sleep=lambda _: None)) as impatient:
            verdicts = dataclasses.replace(world, octane=impatient).apply(plan, apply_id=apply_id)
    finally:
        server.simulator.faults.remove(kind)

    assert [verdict.outcome for verdict in verdicts] == ["done", "unknown", "skipped"]
    was_written = status(world, "b") == AUTOMATED
    assert (status(world, "a"), status(world, "c")) == (AUTOMATED, READY)

    undo = undo_plan(world.audit, apply_id)
    undone = {verdict.request.entity_name: verdict.outcome for verdict in world.apply(undo.plan)}

    expected = {"a": "done"}
    if after:  # the request may have been written, so it is looked at
        expected["b"] = "done" if was_written else "already"
    assert undone == expected
    assert undo.left == ()
    assert {status(world, name) for name in "abc"} == {READY}


def test_an_undo_can_be_undone(world: World) -> None:
    world.workspace.update_one(
        "gherkin_tests",
        world.ids["b"],
        {"automation_status": node("automation_status.ready_for_automation")},
    )
    apply_id = applied(world, GHERKIN, user_id="1001")
    plan = undo_plan(world.audit, apply_id).plan
    undoing = new_apply_id(plan)
    world.apply(plan, apply_id=undoing)
    assert {status(world, name) for name in "abc"} == {READY}

    verdicts = world.apply(undo_plan(world.audit, undoing).plan)

    assert [verdict.outcome for verdict in verdicts] == ["done"] * 3
    assert {status(world, name) for name in "abc"} == {AUTOMATED}


def test_a_script_comes_back_and_what_was_created_is_named(world: World, tmp_path: Path) -> None:
    (tmp_path / "open.png").write_bytes(b"1")
    parameters = {"test_name": "Install", "file_path": str(tmp_path / "open.png")}
    before = world.workspace.script(world.ids["Install"])["script"]
    apply_id = applied(world, ATTACH, **parameters)
    assert world.workspace.script(world.ids["Install"])["script"] != before

    undo = undo_plan(world.audit, apply_id)
    [verdict] = world.apply(undo.plan)

    assert verdict.outcome == "done"
    assert world.workspace.script(world.ids["Install"])["script"] == before
    [left] = undo.left
    assert left.startswith("attachment 'open.png' of workspace 1002 was created with the id ")


def test_an_undo_writes_nothing_that_the_log_does_not_say(world: World) -> None:
    apply_id = applied(world, "work_items_without_test_task")
    undo = undo_plan(world.audit, apply_id)
    assert (len(undo.plan.requests), len(undo.left)) == (0, 1)
    earlier = undo_plan(world.audit, world.audit.read()[0]["apply"]).plan.requests[0]

    with pytest.raises(UsageError, match="is not what the audit log"):
        world.apply(dataclasses.replace(undo.plan, requests=(earlier,)))


def test_an_id_that_the_log_does_not_have_is_one_sentence(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no apply '1'; known: "):
        undo_plan(world.audit, "1")
    environment = {"OCTANE_HOME": str(tmp_path)}
    empty = CliRunner().invoke(app, ["apply", "--undo", "1"], env=environment)
    both = CliRunner().invoke(app, ["apply", GHERKIN, "--undo", "1"], env=environment)
    neither = CliRunner().invoke(app, ["apply", "--yes"], env=environment)

    assert "no apply that could be undone" in str(empty.exception)
    assert "leave out FILE" in str(both.exception)
    assert "Name the plan's FILE" in str(neither.exception)
