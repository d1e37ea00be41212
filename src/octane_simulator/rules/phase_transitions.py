"""Which phase may follow which: the transitions of a new workspace, and the check on a write.

In: phases in their order, or an old and a new phase. Out: transition rows, or ApiError. Called by
seed_rows.py and writer.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from octane_simulator.model.refusals import ApiError
from octane_simulator.store.entity_store import Store

__all__ = ["check_transition", "transitions_of"]

# Phases that are not on the way from start to end: left to one of the first two phases.
_ASIDE = frozenset(
    {"deferred", "duplicate", "rejected", "obsolete", "skipped", "aborted", "failed", "failing"}
)


def transitions_of(ordered: Sequence[str]) -> list[tuple[str, str, bool]]:
    """(source, target, is primary) over the phases of one entity type, in their order.

    Forward to any later phase, back by one, from the last to the second (reopened), to the side
    phases from anywhere but the last, and from these to the first and second.
    """
    way = [phase for phase in ordered if phase.rsplit(".", 1)[-1] not in _ASIDE]
    aside = [phase for phase in ordered if phase not in way]
    transitions: dict[tuple[str, str], bool] = {}
    for at, source in enumerate(way):
        for later, target in enumerate(way[at + 1 :]):
            transitions[(source, target)] = later == 0
        if at > 0:
            transitions.setdefault((source, way[at - 1]), False)
        if at < len(way) - 1:
            transitions.update({(source, target): False for target in aside})
    if len(way) > 2:
        transitions.setdefault((way[-1], way[1]), False)
    for source in aside:
        transitions.update({(source, target): False for target in way[:2]})
    return [(source, target, primary) for (source, target), primary in transitions.items()]


def check_transition(store: Store, kind: str, old: dict[str, Any] | None, new: str) -> None:
    """Refuse a move that no transition allows; entity types without transitions are free."""
    if old is None or old["id"] == new:
        return
    rows = store.read(
        "SELECT max(source_phase_id = ? AND target_phase_id = ?) FROM transition WHERE entity = ?",
        (old["id"], new, kind),
    )
    if rows[0][0] == 0:
        raise ApiError(
            400,
            "platform.transition_not_allowed",
            f"There is no transition of '{kind}' from {old['id']} to {new}",
            {"entity_type": kind, "field_name": "phase"},
            business_error=True,
        )
