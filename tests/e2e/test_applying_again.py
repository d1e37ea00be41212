"""Plans applied where others write too, answers get lost and runs are cut: again ends well."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from octane_flows.actions import Plan, Verdict
from octane_flows.client import Workspace
from octane_flows.errors import UnavailableError, UsageError
from octane_simulator import Simulator, serve
from tests.e2e.support import Row, World, open_world, phase

STORIES = "stories_with_completed_tasks"
SUITE = "tests_to_put_into_suite"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    with serve(Simulator(dataset="empty", seed=3)) as running, open_world(running, home) as made:
        root = {"type": "work_item_root", "id": "1001"}
        for name in ("a", "b", "c", "d", "e"):
            story = made.create("stories", name, parent=root, phase=phase("story.intesting"))
            made.create("tasks", f"task of {name}", story=story, phase=phase("task.completed"))
        for name in ("Install", "Remove"):
            made.create("manual_tests", name, phase=phase("test_manual.ready"))
        made.rebuild()
        yield made


def outcomes(verdicts: list[Verdict]) -> dict[str | None, str]:
    return {verdict.request.entity_name: verdict.outcome for verdict in verdicts}


def test_each_item_has_its_own_verdict_and_a_lost_race_is_never_forced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = world.plan(STORIES)
    ids = world.ids
    world.workspace.update_one("stories", ids["b"], {"phase": phase("story.inprogress")})
    world.workspace.delete("stories", ids["c"])
    update = Workspace.update_one

    def after_somebody_else(self: Workspace, collection: str, id: str, values: Row) -> Row:
        if id == ids["d"]:  # between what apply read and what it sends
            update(self, collection, id, {"description": "theirs"})
        return update(self, collection, id, values)

    monkeypatch.setattr(Workspace, "update_one", after_somebody_else)
    first = world.apply(plan)
    monkeypatch.undo()

    assert outcomes(first) == {
        "a": "done",
        "b": "changed",
        "c": "refused",
        "d": "refused",
        "e": "done",
    }
    by_name = {verdict.request.entity_name: verdict.detail for verdict in first}
    assert "409" in by_name["d"]
    assert "404" in by_name["c"]
    left = world.workspace.entity("stories", ids["d"], fields=["phase", "description"])
    assert (left["phase"]["id"], left["description"]) == ("phase.story.intesting", "theirs")
    # theirs was no change of what the plan rests on, so the next run may go on
    assert outcomes(world.apply(plan)) == {
        "a": "already",
        "b": "changed",
        "c": "refused",
        "d": "done",
        "e": "already",
    }
    lines = [line for line in world.audit.read() if line["event"] == "verdict"]
    assert [line["outcome"] for line in lines[:5]] == [verdict.outcome for verdict in first]

    world.rebuild()
    # what was not written is still to be done; that "c" is gone is what a census finds
    assert {verdict.entity_name for verdict in world.plan(STORIES).requests} == {"b", "c"}


def test_a_suite_that_was_cut_after_its_first_step_is_filled_by_the_next_run(world: World) -> None:
    plan = world.plan(SUITE, test_suite_name="Cut")
    assert len(plan.requests) == 3

    def cut(_: Verdict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.apply(plan, progress=cut)
    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["already", "done", "done"]
    suite = verdicts[0].entity_id
    links = world.workspace.count("test_suite_link_to_tests", f"test_suite EQ {{id EQ {suite}}}")
    assert (world.workspace.count("test_suites", "name EQ ^Cut^"), links) == (1, 2)


def test_what_was_created_without_an_answer_is_not_created_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = world.plan(SUITE, test_suite_name="Lost")
    create = Workspace.create

    def lost(*arguments: Any, **named: Any) -> list[Row]:
        create(*arguments, **named)
        raise UnavailableError("no answer came")

    monkeypatch.setattr(Workspace, "create", lost)
    first = world.apply(plan)
    monkeypatch.undo()
    second = world.apply(plan)

    assert [verdict.outcome for verdict in first] == ["unknown", "skipped", "skipped"]
    assert [verdict.outcome for verdict in second] == ["already", "done", "done"]
    assert world.workspace.count("test_suites", "name EQ ^Lost^") == 1


def test_a_plan_that_is_too_big_sends_nothing_at_all(world: World) -> None:
    plan = world.plan(SUITE, test_suite_name="Big")
    lines = len(world.audit.read())

    with pytest.raises(UsageError, match="3 requests and 2 are allowed"):
        world.apply(plan, limit=2)

    assert world.workspace.count("test_suites", "name EQ ^Big^") == 0
    assert len(world.audit.read()) == lines


def before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, method: str, act: Callable[[Workspace], object]
) -> None:
    """Somebody else writes between the last check and the request, once."""
    original, acts = getattr(Workspace, method), [act]

    def written(self: Workspace, *arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(Workspace, method, original)
        acts.pop()(self)
        return original(self, *arguments, **named)

    monkeypatch.setattr(Workspace, method, written)


def story_in_testing(world: World, name: str) -> str:
    root = {"type": "work_item_root", "id": "1001"}
    made = world.create("stories", name, parent=root, phase=phase("story.intesting"))
    world.create("tasks", f"task of {name}", story=made, phase=phase("task.completed"))
    return str(made["id"])


def only(plan: Plan, name: str) -> Plan:
    requests = [request for request in plan.requests if request.entity_name == name]
    assert requests
    return dataclasses.replace(plan, requests=tuple(requests))


def test_a_task_that_came_while_its_story_was_moved_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = story_in_testing(world, "overtaken")
    world.rebuild()
    plan = only(world.plan(STORIES), "overtaken")

    def add_task(workspace: Workspace) -> None:
        owner = {"type": "story", "id": story}
        row = {"name": "late", "story": owner, "phase": phase("task.inprogress")}
        world.ids["late"] = str(workspace.create("tasks", [row])[0]["id"])

    before_it_is_sent(monkeypatch, "update_one", add_task)
    [verdict] = world.apply(plan)

    assert (verdict.outcome, verdict.is_good) == ("overtaken", False)
    assert verdict.detail.endswith(f"is there: {world.ids['late']}")
    assert world.audit.read()[-1]["outcome"] == "overtaken"
    left = world.workspace.entity("stories", story, fields=["phase"])
    assert left["phase"]["id"] == "phase.story.done"


def test_a_task_that_somebody_else_created_meanwhile_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = story_in_testing(world, "twice")
    world.rebuild()
    plan = only(world.plan("work_items_without_test_task"), "Test twice")

    def same_task(workspace: Workspace) -> None:
        row = dict(plan.requests[0].body)
        world.ids["theirs"] = str(workspace.create("tasks", [row])[0]["id"])

    before_it_is_sent(monkeypatch, "create", same_task)
    [verdict] = world.apply(plan)

    assert verdict.outcome == "overtaken"
    assert verdict.detail.endswith(f"is there: {world.ids['theirs']}")
    tasks = world.workspace.count("tasks", f"story EQ {{id EQ {story}}};name EQ ^Test twice^")
    assert tasks == 2


def test_what_cannot_be_read_after_sending_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    story_in_testing(world, "unread")
    world.rebuild()
    plan = only(world.plan(STORIES), "unread")
    update = Workspace.update_one

    def then_lost(self: Workspace, *arguments: Any) -> Any:
        def lost(*_: Any, **__: Any) -> Row:
            raise UnavailableError("no answer came")

        monkeypatch.setattr(Workspace, "entity", lost)
        return update(self, *arguments)

    monkeypatch.setattr(Workspace, "update_one", then_lost)
    [verdict] = world.apply(plan)

    assert verdict.outcome == "unknown"
    assert verdict.detail == "it was sent, and reading it again failed: no answer came"
