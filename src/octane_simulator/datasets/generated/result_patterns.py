"""How a generated test behaves from build to build: steady, flaky, broken, slow, slowing.

In: a test's habit and the builds of one release and environment. Out: the results of a few
builds in a row, with the age of failures. Called by automated_runs.py.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from octane_simulator.datasets.generated.pipelines_and_builds import Build

__all__ = ["Habit", "Result", "results_of"]

_KINDS = ("steady",) * 14 + ("flaky", "flaky", "broken", "slow", "slowing", "skipped")
_CHANCE = {"steady": 0.01, "flaky": 0.3, "slow": 0.03, "slowing": 0.02, "skipped": 0.01}
_IN_BAD_BUILD = 0.4


@dataclass(frozen=True)
class Habit:
    """What to expect of a test; a broken one fails between two moments."""

    kind: str
    duration: int  # ms
    broken_from: datetime
    broken_until: datetime
    start: datetime
    end: datetime

    @classmethod
    def draw(cls, dice: random.Random, start: datetime, end: datetime) -> Habit:
        """A habit at random; half of the broken tests are never repaired."""
        span = end - start
        broken_from = start + span * dice.random()
        broken_until = end + timedelta(days=1) if dice.random() < 0.5 else broken_from + span * 0.1
        return cls(
            dice.choice(_KINDS), dice.randint(5, 4_000), broken_from, broken_until, start, end
        )

    def word(self, dice: random.Random, build: Build) -> str:
        """Passed, failed or skipped in one build."""
        if self.kind == "skipped" and dice.random() < 0.5:
            return "skipped"
        chance = _CHANCE.get(self.kind, 0.01)
        if self.kind == "broken" and self.broken_from <= build.start < self.broken_until:
            chance = 1.0
        elif build.bad:
            chance = max(chance, _IN_BAD_BUILD)
        return "failed" if dice.random() < chance else "passed"

    def milliseconds(self, dice: random.Random, build: Build) -> int:
        """The duration in one build."""
        base = self.duration * (0.9 + 0.2 * dice.random())
        if self.kind == "slow":
            return round(base * 60)
        if self.kind == "slowing":  # five times as long at the end as at the beginning
            return round(base * (1 + 4 * (build.start - self.start) / (self.end - self.start)))
        return round(base)


@dataclass(frozen=True)
class Result:
    """One result; `age` counts failures in a row, `since` is the build id of the first."""

    build: Build
    word: str
    started: datetime
    duration: int
    age: int | None
    since: int | None


def results_of(
    dice: random.Random, habit: Habit, builds: Sequence[Build], earlier: int
) -> list[Result]:
    """The newest result, mostly of the last build, after `earlier` ones of the builds before."""
    last = len(builds) - 1
    if dice.random() < 0.2:
        last = dice.randint(0, last)
    results: list[Result] = []
    age, since = 0, 0
    for build in builds[max(0, last - earlier) : last + 1]:
        word = habit.word(dice, build)
        if word == "failed":
            age, since = age + 1, since or int(build.ref["id"])
        else:
            age, since = 0, 0
        started = build.start + timedelta(seconds=dice.randint(0, 200))
        milliseconds = habit.milliseconds(dice, build)
        results.append(Result(build, word, started, milliseconds, age or None, since or None))
    return results
