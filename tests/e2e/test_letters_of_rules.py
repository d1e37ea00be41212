"""Rules of letters from the server to a webhook: told once, and once more when they recover.

Every round changes the simulated server, extracts, builds and runs the command `letter`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from octane_flows.cli import app
from octane_simulator import Running, Simulator, serve
from tests.e2e.support import Row, World, environment_of, node, open_world, phase
from tests.letter_servers import Sink, address, sink

__all__ = ["address", "sink"]

RULES = """
[[rule]]
name = "readiness of 2.9 fell below 75 %"
release = "2.9"
when = "pass_ratio < 75%"

[[rule]]
name = "a blocking defect is open"
release = "2.9"
when = "blocking_defect_count > 0"

[[rule]]
name = "a defect was opened"
changes = ["defect_new", "defect_reopened"]
"""
START = datetime(2021, 3, 1, 6, tzinfo=UTC)
ROOT = {"type": "work_item_root", "id": "1001"}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(Simulator(dataset="empty", seed=3, clock=START)) as running:
        yield running


class Mornings:
    """A team's server, morning after morning: what was changed, extracted, built and told."""

    def __init__(self, world: World, server: Running, home: Path, address: str, sink: Sink) -> None:
        self.world, self.server, self.sink = world, server, sink
        self.days = 0
        rules = home / "rules.toml"
        rules.write_text(RULES, encoding="utf-8")
        self.environment = environment_of(server, home) | {
            "OCTANE_WEBHOOK": address,
            "OCTANE_LETTER_RULES": str(rules),
        }
        self.release = world.create(
            "releases",
            "2.9",
            is_default=True,
            start_date="2021-01-01T00:00:00Z",
            end_date="2021-12-31T00:00:00Z",
        )
        ready = phase("test_manual.ready")
        self.tests = [world.create("manual_tests", f"Grid {n}", phase=ready) for n in range(4)]

    def run(self, number: int, status: str) -> None:
        """A new run of one of the four tests."""
        self.world.create(
            "manual_runs",
            f"run {len(self.world.ids)}",
            test=self.tests[number],
            release=self.release,
            native_status=node(f"run_native_status.{status}"),
        )

    def defect(self, severity: str) -> Row:
        """A new defect that was detected in the release."""
        return self.world.create(
            "defects",
            "Crash",
            parent=ROOT,
            phase=phase("defect.new"),
            severity=node(f"severity.{severity}"),
            release=self.release,
        )

    def letters(self) -> list[list[tuple[str, str]]]:
        """What letters told after an extract, a build and two rounds: the rules of each."""
        self.days += 1
        morning = START + timedelta(days=self.days)
        self.server.simulator.clock.set(morning)
        self.world.rebuild()
        self.server.simulator.clock.set(morning + timedelta(hours=1))  # the team begins to work
        before = len(self.sink.bodies)
        for _ in range(2):
            done = CliRunner().invoke(app, ["letter"], env=self.environment)
            assert done.exit_code == 0, done.output
        return [
            [(rule["kind"], f"{rule['rule']}: {rule['details']}") for rule in body["rules"]]
            for body in self.sink.bodies[before:]
        ]


def test_rules_are_told_once_and_again_when_they_recover(
    server: Running, tmp_path: Path, address: str, sink: Sink
) -> None:
    with open_world(server, tmp_path) as world:
        mornings = Mornings(world, server, tmp_path, address, sink)
        for number, status in enumerate(("failed", "passed", "passed", "passed")):
            mornings.run(number, status)
        assert mornings.letters() == []  # 75 % are not below 75 %
        assert mornings.letters() == []  # nothing changed, and there is no letter about nothing

        mornings.run(1, "failed")
        crash = mornings.defect("very_high")
        assert mornings.letters() == [
            [
                ("began", "readiness of 2.9 fell below 75 %: pass_ratio = 0.5"),
                ("began", "a blocking defect is open: blocking_defect_count = 1"),
                ("happened", "a defect was opened: 1 since the last letter"),
            ]
        ]
        assert mornings.letters() == []  # it holds still

        mornings.run(1, "passed")
        mornings.run(0, "passed")
        assert mornings.letters() == [
            [("recovered", "readiness of 2.9 fell below 75 %: pass_ratio = 1")]
        ]
        world.workspace.update_one("defects", crash["id"], {"phase": phase("defect.closed")})
        mornings.defect("low")
        assert mornings.letters() == [
            [
                ("recovered", "a blocking defect is open: blocking_defect_count = 0"),
                ("happened", "a defect was opened: 1 since the last letter"),
            ]
        ]
        noted = json.loads((tmp_path / "letters.json").read_text(encoding="utf-8"))
        assert set(noted["webhook"]["rules"].values()) == {False}
