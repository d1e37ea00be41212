"""Writing the demo's rows: references by symbolic name, now or at a later moment.

In: a Feeder, and rows that demo_workspace and demo_testing give. Out: rows of the server, ids by
symbolic name, and the events of the story.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from octane_simulator.datasets import Event, Feeder
from octane_simulator.datasets.dataset_references import phase_of
from octane_simulator.datasets.demo_course import Course
from octane_simulator.store.current_caller import FIRST_USER

Row = dict[str, Any]


class Story:
    """Writes rows through a feeder, now or later, and remembers their ids by symbolic name."""

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder
        self.ids: dict[str, str] = {"user.sam": FIRST_USER}
        self.events: list[Event] = []
        #: The moment at which each later row is created, by symbolic name.
        self.created: dict[str, datetime] = {}
        self._types: dict[str, str] = {"user.sam": "workspace_user"}

    def create(self, collection: str, entity_type: str, rows: Mapping[str, Row]) -> None:
        """Create rows of one type, keyed by symbolic name."""
        ids = self.feeder.create(collection, list(rows.values()))
        self.ids.update(zip(rows, ids, strict=True))
        self._types.update(dict.fromkeys(rows, entity_type))

    def later(self, moment: datetime, act: Callable[[], None]) -> None:
        """Do something at a moment of the story."""
        self.events.append((moment, act))

    def make(
        self, collection: str, kind: str, name: str, moment: datetime, row: Callable[[], Row]
    ) -> None:
        """Create one row at a moment; its references are looked up then."""
        self.created[name] = moment
        self.later(moment, lambda: self.create(collection, kind, {name: row()}))

    def walk(
        self, collection: str, kind: str, key: str, course: Course, row: Callable[[], Row]
    ) -> None:
        """Create one row in the first phase of its course, then move it along."""
        (begin, first), *steps = course
        name = f"{kind}.{key}"
        self.make(collection, kind, name, begin, lambda: {**row(), "phase": phase_of(kind, first)})
        for moment, phase in steps:
            self.later(moment, partial(self._move, collection, name, phase))

    def _move(self, collection: str, name: str, phase: str) -> None:
        kind = self._types[name]
        self.feeder.update(collection, [{"id": self.ids[name], "phase": phase_of(kind, phase)}])

    def ref(self, name: str) -> Row:
        """The reference to a row by its symbolic name."""
        return {"type": self._types[name], "id": self.ids[name]}

    def refs(self, prefix: str, names: str) -> list[Row]:
        """References to several rows, from a list of words."""
        return [self.ref(f"{prefix}.{name}") for name in names.split()]
