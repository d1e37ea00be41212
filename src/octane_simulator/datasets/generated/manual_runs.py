"""Manual runs of a generated workspace: single ones, planned ones, suite runs with children.

In: a World with its tests, and how many runs. Out: runs with steps, defects and last runs, in
order of time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from octane_simulator.datasets.dataset_references import node_of
from octane_simulator.datasets.generated.generated_world import Ref, Release, Row, Test, World
from octane_simulator.store.simulated_clock import iso

__all__ = ["add"]

_WORDS = (
    ("passed",) * 12 + ("failed",) * 4 + ("planned",) * 4 + ("blocked", "skipped", "not_completed")
)
_SAME = frozenset({"passed", "failed", "skipped", "planned"})


@dataclass
class LastRuns:
    """The last run of each test for each release, milestone, program and tag set."""

    newest: dict[tuple[object, ...], tuple[str, int]] = field(default_factory=dict)

    def note(self, test: str, moment: str, number: int, *context: object) -> None:
        """A run of the test: `moment` is its start, or its making when it is planned."""
        key = (test, *context)
        if key not in self.newest or (moment, number) > self.newest[key]:
            self.newest[key] = (moment, number)

    def numbers(self) -> set[int]:
        """The numbers noted that are last runs."""
        return {number for _, number in self.newest.values()}


@dataclass(frozen=True)
class _Plan:
    """One run before it is written; children name the position of their suite run."""

    test: Test
    release: Release
    moment: datetime
    word: str
    suite: int | None = None


def add(world: World, count: int) -> int:
    """Write manual and suite runs; returns their number."""
    dice = world.dice("manual runs")
    plans = _plan(world, dice, count)
    last = LastRuns()
    rows = [_row(world, dice, plan, number, last) for number, plan in enumerate(plans)]
    for number in last.numbers():
        rows[number]["test_of_last_run"] = rows[number]["test"]
    refs: list[Ref] = []
    pairs = zip(plans, rows, strict=True)
    for kind, group in groupby(pairs, key=lambda pair: _kind_of(pair[0])):
        batch = []
        for plan, row in group:
            if plan.suite is not None:  # its suite run is in an earlier group, so it has an id
                row["parent_suite"] = refs[plan.suite]
            batch.append(row)
        refs += world.add(kind, batch)
    world.manual_runs = refs
    _steps(world, dice, refs, rows)
    return len(refs)


def _kind_of(plan: _Plan) -> str:
    return "run_suite" if plan.test.ref["type"] == "test_suite" else "run_manual"


def _plan(world: World, dice: random.Random, count: int) -> list[_Plan]:
    plans: list[_Plan] = []
    moments = sorted(world.moment(dice) for _ in range(count))
    while len(plans) < count:
        moment = moments[len(plans)]
        release = [candidate for candidate in world.releases if candidate.start <= moment][-1]
        word = dice.choice(_WORDS)
        if world.suites and dice.random() < 0.15:
            suite, members = dice.choice(world.suites)
            at = len(plans)
            plans.append(_Plan(suite, release, moment, word))
            for test in members[: count - len(plans)]:
                of_child = word if word == "planned" else dice.choice(_WORDS)
                plans.append(_Plan(test, release, moment, of_child, at))
        else:
            plans.append(_Plan(dice.choice(world.by_hand), release, moment, word))
    return plans


def _row(world: World, dice: random.Random, plan: _Plan, number: int, last: LastRuns) -> Row:
    planned, is_suite = plan.word == "planned", plan.test.ref["type"] == "test_suite"
    started = None if planned else plan.moment + timedelta(minutes=dice.randint(1, 300))
    milestone = plan.release.milestone if dice.random() < 0.2 else None
    status = plan.word if plan.word in _SAME else "requires_attention"
    row: Row = {
        "name": plan.test.name,
        "test": plan.test.ref,
        "test_name": plan.test.name,
        "native_status": node_of("run_native_status", plan.word),
        "status": node_of("run_status", status),
        "release": plan.release.ref,
        "milestone": milestone,
        "sprint": plan.release.sprint_at(plan.moment) if dice.random() < 0.7 else None,
        "started": iso(min(started, world.end)) if started else None,
        "draft_run": dice.random() < 0.03,
        **world.stamps(plan.moment, started),
    }
    tags: list[Ref] = []
    if is_suite:
        row["default_run_by"] = dice.choice(world.users)
    else:
        tags = dice.choice((*world.environments, [])) if plan.suite is None else []
        row |= {
            "run_by": dice.choice(world.users),
            "duration": None if planned else dice.randint(30, 5400) * 1000,
            "taxonomies": tags,
            "product_areas": [plan.test.area],
            "defect": _defects(world, dice, plan.word),
            "user_tags": world.some(dice, 1, world.tags),
        }
    if not row["draft_run"]:
        last.note(
            plan.test.ref["id"],
            row["started"] or row["creation_time"],
            number,
            plan.release.ref["id"],
            milestone and milestone["id"],
            ",".join(sorted(tag["id"] for tag in tags)),
            planned,
        )
    return row


def _defects(world: World, dice: random.Random, word: str) -> list[Ref]:
    chance = {"failed": 0.6, "blocked": 0.3, "passed": 0.2}.get(word, 0)
    defect = world.maybe(dice, chance, world.defects)
    return [defect] if defect else []


def _steps(world: World, dice: random.Random, refs: list[Ref], rows: list[Row]) -> None:
    """Executed manual runs have steps; the last step of a failed one failed."""
    steps = []
    for ref, row in zip(refs, rows, strict=True):
        if ref["type"] != "run_manual" or row["started"] is None:
            continue
        count = dice.randint(0, 3)
        for number in range(count):
            is_last = number == count - 1
            failed = row["status"]["id"].endswith(".failed") and is_last
            step_type = "validate" if failed else "normal"
            steps.append(
                {
                    "run": ref,
                    "description": f"Step {number + 1}",
                    "step_type": node_of("manual_test_run_step_type", step_type),
                    "result": node_of("run_native_status", "failed" if failed else "passed"),
                    "defect": row["defect"] if failed else [],
                    "creation_time": row["creation_time"],
                    "last_modified": row["last_modified"],
                }
            )
    world.add("run_step", steps)
