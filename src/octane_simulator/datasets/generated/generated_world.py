"""What the parts of a generated workspace share: sizes, random choices, ids so far.

In: a store, a seed, a size. Out: `World`, which the parts fill one after another.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isqrt
from typing import Any

from octane_simulator.datasets.dataset_references import Ref
from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso

__all__ = ["Ref", "Release", "Row", "Test", "World"]

Row = dict[str, Any]

YEARS = 3


@dataclass(frozen=True)
class Release:
    """A release with its span, sprints and milestone."""

    ref: Ref
    start: datetime
    end: datetime
    sprints: tuple[tuple[Ref, datetime], ...]  # with the first day of each
    milestone: Ref

    def sprint_at(self, moment: datetime) -> Ref:
        """The sprint of a moment within the release."""
        started = [ref for ref, start in self.sprints if start <= moment]
        return started[-1] if started else self.sprints[0][0]


@dataclass(frozen=True)
class Test:
    """A test with what its runs take from it."""

    ref: Ref
    name: str
    area: Ref
    key: tuple[str | None, str | None, str | None] = (None, None, None)  # component, package, class


class World:
    """The workspace that is being filled; lists hold references in order of creation."""

    def __init__(self, store: Store, seed: int | str, runs: int, end: datetime) -> None:
        self.store = store
        self.seed = seed
        self.runs = runs
        self.end = end
        self.start = end - timedelta(days=365 * YEARS)
        self.scale = max(1, isqrt(runs // 100))  # grows with the root of the size: 1, 3, 10, 100
        self.root = {
            kind: {"type": kind, "id": str(store.find(kind)[0]["id"])}
            for kind in ("work_item_root", "product_area", "requirement_root")
        }
        self.me: Ref = {"type": "workspace_user", "id": str(store.find("workspace_user")[0]["id"])}
        self.users: list[Ref] = [self.me]
        self.releases: list[Release] = []
        self.program: Ref = {}
        self.teams: list[Ref] = []
        self.areas: list[Ref] = []
        self.tags: list[Ref] = []
        self.environments: list[list[Ref]] = []  # sets of tags that go together
        self.features: list[Ref] = []
        self.stories: list[Ref] = []
        self.defects: list[Ref] = []
        self.requirements: list[Ref] = []
        self.tasks: list[Ref] = []
        self.by_hand: list[Test] = []  # manual and Gherkin tests
        self.suites: list[tuple[Test, list[Test]]] = []
        self.manual_runs: list[Ref] = []

    def dice(self, part: str) -> random.Random:
        """Random choices of one part, which do not depend on those of other parts."""
        return random.Random(f"{self.seed}/{part}")

    def add(self, kind: str, rows: Iterable[Mapping[str, Any]]) -> list[Ref]:
        """Insert rows of one type."""
        return [{"type": kind, "id": id} for id in self.store.insert_many(kind, rows)]

    def stamps(self, created_at: datetime, changed_at: datetime | None = None) -> Row:
        """`creation_time` and `last_modified`, never beyond the end."""
        created_at = min(created_at, self.end)
        return {
            "creation_time": iso(created_at),
            "last_modified": iso(min(max(changed_at or created_at, created_at), self.end)),
        }

    def moment(
        self, dice: random.Random, start: datetime | None = None, end: datetime | None = None
    ) -> datetime:
        """A working hour within a span."""
        start, end = start or self.start, min(end or self.end, self.end)
        days = max(0, (end - start).days - 1)
        day = start + timedelta(days=dice.randint(0, days))
        hour = timedelta(hours=dice.randint(7, 16), seconds=dice.randint(0, 3599))
        return min(day.replace(hour=0, minute=0, second=0, tzinfo=UTC) + hour, self.end)

    def maybe(self, dice: random.Random, chance: float, values: Sequence[Ref]) -> Ref | None:
        """One of the values, or None as often as the chance leaves."""
        return dice.choice(values) if values and dice.random() < chance else None

    def some(self, dice: random.Random, most: int, values: Sequence[Ref]) -> list[Ref]:
        """None to `most` different values."""
        return dice.sample(values, min(len(values), dice.randint(0, most)))

    def owner(self, dice: random.Random) -> Ref | None:
        """A user: often the one that signs in, sometimes nobody."""
        draw = dice.random()
        if draw < 0.3:
            return self.me
        return None if draw > 0.9 else dice.choice(self.users)
