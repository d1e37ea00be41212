"""Files attached to manual tests and named in their scripts (flow 4), on a live server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from octane_flows.actions import Plan, Verdict, read_plan, write_plan
from octane_flows.errors import UsageError
from octane_simulator import Simulator, serve
from tests.e2e.support import World, open_world, phase

SLUG = "manual_test_steps_and_attachments"


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return Simulator(dataset="empty", seed=3)


@pytest.fixture(scope="module")
def world(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with serve(simulator) as running, open_world(running, tmp_path_factory.mktemp("home")) as made:
        for name in ("Install", "Remove", "Print"):
            test = made.create("manual_tests", name, phase=phase("test_manual.ready"))
            made.workspace.write_script(str(test["id"]), "- Open it", comment="first")
        made.rebuild()
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "log.txt"
    path.write_bytes(b"one\r\ntwo\x00\n")
    return path


def plan_for(world: World, test: str, file: Path) -> Plan:
    return world.plan(SLUG, test_id=world.ids[test], file_path=str(file))


def said(verdicts: list[Verdict]) -> list[tuple[str, str]]:
    return [(verdict.outcome, verdict.detail) for verdict in verdicts]


def test_the_bytes_arrive_and_a_second_run_sends_nothing(world: World, file: Path) -> None:
    plan = plan_for(world, "Install", file)
    path = file.with_name("plan.json")
    write_plan(plan, path)

    first = world.apply(read_plan(path))
    sent = len(world.audit.read())
    file.unlink()  # what is done already needs no file
    second = world.apply(read_plan(path))

    assert said(first) == [("done", ""), ("done", "")]
    assert [verdict.outcome for verdict in second] == ["already", "already"]
    assert [line["event"] for line in world.audit.read()[sent:]] == ["verdict", "verdict"]
    attachment = first[0].entity_id
    assert attachment is not None
    assert world.workspace.download(attachment) == b"one\r\ntwo\x00\n"
    script = world.workspace.script(world.ids["Install"])
    assert script["script"] == "- Open it\n- See the attachment log.txt\n"
    assert script["revision"] == "0.2.0"


def test_a_file_that_changed_since_the_plan_is_not_sent(world: World, file: Path) -> None:
    plan = plan_for(world, "Remove", file)
    file.write_bytes(b"another")

    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["changed", "skipped"]
    assert "is not the file that was planned" in verdicts[0].detail
    assert world.workspace.script(world.ids["Remove"])["script"] == "- Open it"


def test_another_file_of_that_name_is_left_alone(world: World, file: Path) -> None:
    plan = plan_for(world, "Remove", file)
    owner = {"type": "test", "id": world.ids["Remove"]}
    world.workspace.attach({"name": "log.txt", "owner_test": owner}, b"theirs")

    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["changed", "skipped"]
    assert "holds 6 other bytes" in verdicts[0].detail


def test_a_locked_script_is_told_and_the_next_run_goes_on(
    world: World, simulator: Simulator, file: Path
) -> None:
    plan = plan_for(world, "Print", file)
    simulator.store.locked_scripts.add(world.ids["Print"])

    locked = world.apply(plan)
    simulator.store.locked_scripts.clear()
    after = world.apply(plan)

    assert [verdict.outcome for verdict in locked] == ["done", "refused"]
    assert "409" in locked[1].detail
    assert "is locked by another user" in locked[1].detail
    assert [verdict.outcome for verdict in after] == ["already", "done"]


def test_a_script_that_somebody_rewrote_is_left_alone(world: World, file: Path) -> None:
    other = file.with_name("other.txt")
    other.write_bytes(b"2")
    plan = plan_for(world, "Install", other)
    world.workspace.write_script(world.ids["Install"], "- Mine", comment="")

    verdicts = world.apply(plan)

    assert [verdict.outcome for verdict in verdicts] == ["done", "changed"]
    assert verdicts[1].detail == "since the plan was made: script is - Mine"


def test_a_file_that_is_not_there_makes_no_plan(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        plan_for(world, "Install", tmp_path / "no.txt")
