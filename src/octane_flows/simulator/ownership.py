"""Who may own whom: one owner for a comment, no circles in trees, no rows left without an owner.

In: a row as held and the values of a write. Out: nothing, or ApiError 400. Called by writes.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octane_flows.simulator.answers import illegal_value
from octane_flows.simulator.schema import TREE_FAMILIES
from octane_flows.simulator.store import Store

__all__ = ["check_ownership"]

_OWNED = frozenset({"comment", "attachment"})


def check_ownership(
    store: Store, kind: str, held: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> None:
    """Refuse a write that leaves a row with no owner or two, or puts it below itself."""
    if kind in _OWNED:
        _one_owner(kind, {**(held or {}), **values})
    if held is None:
        return
    family = store.schema.family(kind)
    if family in TREE_FAMILIES:
        own = held.get("path")
        parent = values.get("parent")
        above = _path(store, family, parent) if parent else None
        below = [_path(store, family, child) for child in values.get("children") or []]
        circular = above is not None and above.startswith(str(own))
        if circular or any(path and str(own).startswith(path) for path in below):
            raise _wrong(kind, "parent", "must not be the row itself or lie below it")
    for name, targets in values.items():
        inverse = store.schema.inverses.get((family, name))
        if inverse and store.schema.entities[inverse.child].fields[inverse.reference].required:
            left = {one["id"] for one in held.get(name) or []} - {one["id"] for one in targets}
            if left:
                raise _wrong(kind, name, f"must keep {min(left)}, which cannot be without it")


def _one_owner(kind: str, row: Mapping[str, Any]) -> None:
    owners = [name for name, value in row.items() if name.startswith("owner_") and value]
    if len(owners) != 1:
        raise _wrong(kind, owners[-1] if owners else "owner_work_item",
                     f"must be the one owner; there are {len(owners)}")  # fmt: skip


def _path(store: Store, family: str, reference: Mapping[str, Any]) -> str | None:
    return (store.get(family, reference["id"], links=()) or {}).get("path")


def _wrong(kind: str, field: str, problem: str) -> Exception:
    properties = {"entity_type": kind, "field_name": field}
    return illegal_value(f"The field '{field}' of '{kind}' {problem}", properties)
