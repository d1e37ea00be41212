"""Work items of a simulated server whose every save is recorded twice: by its history, and here.

Values in, saves in the store and its change history out; `value_at` says from plain Python lists
what a field was at a moment, and `stays` how long an item was in each phase.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from octane_simulator import Simulator
from octane_simulator.rules.change_log import Log

PHASES = {
    "defect": ("new", "opened", "fixed", "closed", "rejected"),
    "story": ("new", "inprogress", "intesting", "done"),
}
TYPES = {
    "phase": "phase",
    "owner": "workspace_user",
    "sprint": "sprint",
    "release": "release",
    "severity": "list_node",
}


@dataclass
class Recorded:
    """One item: its values over time, and when it was deleted."""

    entity: str
    id: str
    created_at: datetime
    values: dict[str, list[tuple[datetime, Any]]] = field(default_factory=dict)
    deleted_at: datetime | None = None

    def value_at(self, name: str, moment: datetime) -> Any:
        """The value that a field had at a moment, of a reference the id."""
        past = [value for at, value in self.values.get(name, []) if at <= moment]
        return past[-1] if past else None

    def is_there(self, moment: datetime) -> bool:
        """Whether the item was there at a moment."""
        is_deleted = self.deleted_at is not None and self.deleted_at <= moment
        return self.created_at <= moment and not is_deleted

    def stays(self) -> list[tuple[str | None, datetime, datetime | None]]:
        """Each phase with the moments of its begin and end; those of no change are one."""
        stays: list[tuple[str | None, datetime, datetime | None]] = []
        for at, phase in self.values["phase"]:
            if stays and stays[-1][0] == phase:
                continue
            if stays:
                stays[-1] = (*stays[-1][:2], at)
            stays.append((phase, at, None))
        if self.deleted_at is not None:
            stays[-1] = (*stays[-1][:2], self.deleted_at)
        return stays


class RecordedItems:
    """All items of one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.store = simulator.store
        self.items: list[Recorded] = []

    def now(self) -> datetime:
        """The server's time, in whole seconds, without a zone."""
        return self.simulator.clock.now().replace(tzinfo=None, microsecond=0)

    def create(
        self, entity: str, *, stamp: datetime | None = None, **values: str | int | None
    ) -> Recorded:
        """A new item; `values` by field, of references ids; `stamp`: its last_modified."""
        row = {"name": entity, **_values(values)}
        late = {"last_modified": _text(stamp)} if stamp is not None else {}
        id = self.store.insert(entity, {**row, **late})
        log = Log(self.store)
        log.created(entity, id, row)
        log.write()
        item = Recorded(entity, id, self.now())
        item.values = {name: [(self.now(), value)] for name, value in values.items()}
        self.items.append(item)
        return item

    def change(
        self, item: Recorded, *, stamp: datetime | None = None, **values: str | int | None
    ) -> None:
        """Save new values of an item."""
        old = self.store.get(item.entity, item.id)
        assert old is not None
        row = _values(values)
        late = {"last_modified": _text(stamp)} if stamp is not None else {}
        self.store.update(item.entity, item.id, {**row, **late})
        log = Log(self.store)
        log.updated(item.entity, item.id, old, row)
        log.write()
        for name, value in values.items():
            item.values.setdefault(name, []).append((self.now(), value))

    def delete(self, item: Recorded) -> None:
        """Delete an item."""
        self.store.delete(item.entity, item.id)
        log = Log(self.store)
        log.deleted(item.entity, item.id, item.entity)
        log.write()
        item.deleted_at = self.now()

    def living(self) -> list[Recorded]:
        """Those that were not deleted."""
        return [item for item in self.items if item.deleted_at is None]


def _values(values: dict[str, str | int | None]) -> dict[str, Any]:
    """References in the server's form, other values as they are."""
    return {
        name: {"type": TYPES[name], "id": value} if name in TYPES and value is not None else value
        for name, value in values.items()
    }


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
