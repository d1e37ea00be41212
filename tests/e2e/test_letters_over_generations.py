"""Letters over generations of a server: a rule is told when it begins to hold and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import World, node, open_world, phase
from tests.letter_servers import Sink, address, sink
from tests.needed_models import needed_models

__all__ = ["address", "sink"]

MODELS = needed_models("metric.changes", "metric.gate_variables")
START = datetime(2021, 1, 20, 12, tzinfo=UTC)
ROOT = {"type": "work_item_root", "id": "1001"}
RULES = """
[[rule]]
name = "a defect blocks 2.9"
release = "2.9"
when = "blocking_defect_count > 0"

[[rule]]
name = "defects were opened"
changes = ["defect_new", "defect_reopened"]
at_least = 2
"""


@pytest.fixture
def server() -> Iterator[Running]:
    with serve(Simulator(dataset="empty", seed=3, clock=START)) as running:
        yield running


class Generations:
    """A server whose clock goes on, and the letters to a webhook after each extract and build."""

    def __init__(self, server: Running, world: World, environment: dict[str, str]) -> None:
        self._server = server
        self._environment = environment
        self.world = world

    def next(self, sink: Sink) -> list[dict[str, Any]]:
        """The letters about what was changed before the call."""
        self._server.simulator.clock.advance(3600)
        self.world.rebuild(MODELS)
        before = len(sink.bodies)
        done = CliRunner().invoke(app, ["letter"], env=self._environment)
        assert done.exit_code == 0, done.output
        return sink.bodies[before:]


@pytest.fixture
def generations(server: Running, address: str, tmp_path: Path) -> Iterator[Generations]:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")
    with open_world(server, tmp_path / "home") as world:
        release = world.create(
            "releases", "2.9", start_date="2021-01-01T00:00:00Z", end_date="2031-12-31T00:00:00Z"
        )
        world.create("stories", "Print", parent=ROOT, release=release)
        environment = {
            "OCTANE_HOME": str(world.settings.home),
            "OCTANE_WEBHOOK": address,
            "OCTANE_LETTER_RULES": str(rules),
        }
        yield Generations(server, world, environment)


def told(letters: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The rules that letters tell of, and what became of them."""
    return [(rule["rule"], rule["kind"]) for letter in letters for rule in letter["rules"]]


def open_defect(world: World, name: str, severity: str) -> None:
    release = {"type": "release", "id": world.ids["2.9"]}
    severity_node, new = node(f"severity.{severity}"), phase("defect.new")
    world.create("defects", name, parent=ROOT, release=release, severity=severity_node, phase=new)


def move(world: World, name: str, new_phase: str) -> None:
    entity = {"id": world.ids[name], "phase": phase(f"defect.{new_phase}")}
    world.workspace.update("defects", [entity], ["phase"])


def test_rules_are_told_when_they_begin_to_hold_and_when_they_recover(
    generations: Generations, sink: Sink
) -> None:
    world, blocks = generations.world, "a defect blocks 2.9"
    assert told(generations.next(sink)) == []

    open_defect(world, "Crash", "urgent")
    assert told(generations.next(sink)) == [(blocks, "began")]

    assert generations.next(sink) == []  # it still holds

    open_defect(world, "Slow", "low")
    assert told(generations.next(sink)) == []  # one defect is not enough for the other rule

    open_defect(world, "Typo", "low")
    open_defect(world, "Gap", "low")
    assert told(generations.next(sink)) == [("defects were opened", "happened")]

    move(world, "Crash", "closed")
    assert told(generations.next(sink)) == [(blocks, "recovered")]

    move(world, "Crash", "opened")
    assert told(generations.next(sink)) == [(blocks, "began")]
