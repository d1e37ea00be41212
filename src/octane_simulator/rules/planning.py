"""Sprints of a release and members of a team, as the server keeps them.

In: a release or team that was written. Out: the sprints of a new release, and computed numbers.
Called by write_effects.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso

__all__ = ["add_sprints", "count_members", "count_sprints"]

MOST_SPRINTS = 200


def add_sprints(store: Store, release: str) -> None:
    """A release with `sprint_duration` (days) gets its sprints at once."""
    row = store.get("release", release) or {}
    days, start, end = (row.get(key) for key in ("sprint_duration", "start_date", "end_date"))
    if not days or days < 0 or not start or not end:
        return
    begin, last = datetime.fromisoformat(start), datetime.fromisoformat(end)
    reference = {"type": "release", "id": release}
    sprints: list[dict[str, Any]] = []
    while begin < last and len(sprints) < MOST_SPRINTS:
        finish = min(begin + timedelta(days=days), last)
        sprints.append(
            {
                "name": f"Sprint {len(sprints) + 1}",
                "release": reference,
                "start_date": iso(begin),
                "end_date": iso(finish),
            }
        )
        begin = finish
    store.insert_many("sprint", sprints)
    count_sprints(store, release)


def count_sprints(store: Store, release: str) -> None:
    """Renew `num_of_sprints` of a release."""
    _compute(store, "release", release, num_of_sprints=len(store.find("sprint", release=release)))


def count_members(store: Store, team: str) -> None:
    """Renew `number_of_members` of a team, which counts its lead."""
    row = store.get("team", team) or {}
    people = [*(row.get("members") or []), *([row["team_lead"]] if row.get("team_lead") else [])]
    _compute(store, "team", team, number_of_members=len({person["id"] for person in people}))


def _compute(store: Store, kind: str, identifier: str, **values: Any) -> None:
    """Set computed fields, which leaves the stamps of the row alone."""
    row = store.get(kind, identifier, links=())
    if row is not None:
        stamps = {key: row[key] for key in ("last_modified", "version_stamp", "client_lock_stamp")}
        store.update(kind, identifier, {**values, **stamps})
