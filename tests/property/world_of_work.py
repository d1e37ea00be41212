"""A small workspace in which everything goes on: work, plans, manual runs, results of builds.

A seed in, random steps on a simulated server out; every change of a work item is in the history.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from octane_simulator import Simulator
from octane_simulator.results.result_document import parse
from octane_simulator.results.result_ingest import Ingest
from octane_simulator.rules.last_runs import renew_last_runs
from tests.recorded_items import PHASES, Recorded, RecordedItems

STEPS = {
    "move": 3, "replan": 2, "create": 2, "delete": 1, "rename": 1, "link": 1, "run": 2, "build": 3,
}  # fmt: skip
DONE = ("closed", "rejected", "done")
TESTS = 6


class World:
    """The server, and the steps that change it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.simulator = Simulator(clock=datetime(2021, 1, 4, 8, tzinfo=UTC))
        self.store = self.simulator.store
        self.work = RecordedItems(self.simulator)
        self.count = 0
        insert = self.store.insert
        self.releases = [
            insert("release", {"name": f"release {n}", **self._span(10 * n - 3, 15)})
            for n in range(3)
        ]
        self.sprints = [
            insert(
                "sprint",
                {
                    "name": f"sprint {n}",
                    "release": reference("release", self.releases[n // 3]),
                    **self._span(4 * n - 1, 4),
                },
            )
            for n in range(6)
        ]
        self.users = [
            insert("workspace_user", {"name": f"u{n}", "full_name": f"User {n}"}) for n in range(3)
        ]
        self.areas = [insert("product_area", {"name": f"module {n}"}) for n in range(3)]
        self.tests = [insert("test_manual", {"name": f"by hand {n}"}) for n in range(4)]
        insert("ci_server", {"name": "ci", "instance_id": "ci"})

    def go_on(self, steps: int) -> None:
        """So many random steps, seconds to hours apart, between two hours of peace."""
        self.simulator.clock.advance(timedelta(hours=1))
        for _ in range(steps):
            self.count += 1
            (name,) = self.dice.choices([*STEPS], [*STEPS.values()])
            getattr(self, name)()
            self.simulator.clock.advance(timedelta(seconds=self.dice.choice([1, 900, 20_000])))
        self.simulator.clock.advance(timedelta(hours=1))

    def create(self) -> None:
        """A new defect or story."""
        entity = self.dice.choice(["defect", "story"])
        more: dict[str, Any] = (
            {"severity": "list_node.severity.high"} if entity == "defect" else {"story_points": 3}
        )
        self.work.create(
            entity,
            phase=f"phase.{entity}.new",
            release=self.dice.choice(self.releases),
            sprint=self.dice.choice(self.sprints),
            owner=self.dice.choice(self.users),
            **more,
        )

    def move(self) -> None:
        """An item goes to another phase."""
        if (item := self._item()) is not None:
            phase = self.dice.choice(PHASES[item.entity])
            closed_on = self._now() if phase in DONE else None
            self.work.change(item, phase=f"phase.{item.entity}.{phase}", closed_on=closed_on)

    def replan(self) -> None:
        """An item gets another release, sprint, owner and weight."""
        if (item := self._item()) is not None:
            word = self.dice.choice(["low", "high", "urgent"])
            more: dict[str, Any] = (
                {"severity": f"list_node.severity.{word}"}
                if item.entity == "defect"
                else {"story_points": self.dice.choice([1, 5, 13])}
            )
            self.work.change(
                item,
                release=self.dice.choice([*self.releases, None]),
                sprint=self.dice.choice([*self.sprints, None]),
                owner=self.dice.choice(self.users),
                **more,
            )

    def delete(self) -> None:
        """Now and then an item is deleted."""
        if (item := self._item()) is not None and self.dice.random() < 0.4:
            self.work.delete(item)

    def rename(self) -> None:
        """Something gets another name."""
        entity = self.dice.choice(["release", "product_area", "sprint", "test_manual"])
        id = self._any(entity)
        self.store.update(entity, id, {"name": f"renamed {self.count}"})

    def link(self) -> None:
        """A test is assigned to a module, an owner and a story, a defect to a module and a run."""
        if not self.store.find("test_automated"):
            return
        living = self.work.living()
        area = [reference("product_area", self.dice.choice(self.areas))]
        values: dict[str, Any] = {
            "product_areas": area,
            "owner": reference("workspace_user", self.dice.choice(self.users)),
        }
        if stories := [item.id for item in living if item.entity == "story"]:
            values["covered_content"] = [reference("story", self.dice.choice(stories))]
        self.store.update("test_automated", self._any("test_automated"), values)
        if defects := [item.id for item in living if item.entity == "defect"]:
            run = [reference("run_automated", self._any("run_automated"))]
            defect = self.dice.choice(defects)
            self.store.update("defect", defect, {"run": run, "product_areas": area})

    def run(self) -> None:
        """Somebody plans or executes a manual test."""
        test = self.dice.choice(self.tests)
        word = self.dice.choice(["passed", "failed", "planned"])
        values = {
            "name": "by hand",
            "test": reference("test_manual", test),
            "release": reference("release", self.dice.choice(self.releases)),
            "started": None if word == "planned" else self._now(),
            "status": reference("list_node", f"list_node.run_status.{word}"),
            "native_status": reference("list_node", f"list_node.run_native_status.{word}"),
        }
        self.store.insert("run_manual", values)
        renew_last_runs(self.store, test)

    def build(self) -> None:
        """A build reports results of most tests."""
        now = int(self.simulator.clock.now().timestamp() * 1000)
        runs = []
        for number in range(TESTS):
            status = self.dice.choice(["Passed", "Passed", "Failed", "Skipped"])
            error = '<error type="E" message="no host at 0x12"/>' if status == "Failed" else ""
            if self.dice.random() < 0.8:
                runs.append(
                    f'<test_run module="c" package="p" class="C" name="test {number}" '
                    f'duration="{self.dice.choice([10, 4000])}" status="{status}" started="{now}">'
                    f"{error}</test_run>"
                )
        job, release = f"job {self.count % 2}", self.dice.choice(self.releases)
        document = (
            f'<test_result><build server_id="ci" job_id="{job}" build_id="{self.count}"/>'
            f'<release_ref id="{release}"/><test_runs>{"".join(runs)}</test_runs></test_result>'
        )
        Ingest(self.store).process(*parse(document.encode()), skip_errors=False)

    def _item(self) -> Recorded | None:
        """An item that is there; while there are few, a new one is made instead."""
        living = self.work.living()
        if len(living) < 6:
            self.create()
            return None
        return self.dice.choice(living)

    def _any(self, entity: str) -> str:
        return str(self.dice.choice(self.store.find(entity))["id"])

    def _now(self) -> str:
        return f"{self.work.now():%Y-%m-%dT%H:%M:%SZ}"

    def _span(self, first: int, length: int) -> dict[str, str]:
        begin = self.work.now() + timedelta(days=first)
        end = begin + timedelta(days=length)
        return {
            "start_date": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "end_date": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }


def reference(entity: str, id: str) -> dict[str, str]:
    """A reference in the server's form."""
    return {"type": entity, "id": id}
