"""Who may own whom: one owner for a comment, no circles in trees, no rows left without an owner.

In: a row as held and the values of a write. Out: nothing, or ApiError 400. Called by writer.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octane_simulator.model.field_model import TREE_ROOTS
from octane_simulator.model.refusals import illegal_value
from octane_simulator.store.entity_store import Store

__all__ = ["check_ownership"]

_OWNED = frozenset({"comment", "attachment"})


def check_ownership(
    store: Store, kind: str, held: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> None:
    """Refuse a write that leaves a row with no owner or two, or puts it below itself."""
    if kind in _OWNED:
        _one_owner(kind, {**(held or {}), **values})
    family = store.schema.family(kind)
    if family in TREE_ROOTS:
        _no_circle(store, kind, held, values)
    if held is None:
        return
    for name, targets in values.items():
        inverse = store.schema.inverses.get((family, name))
        if inverse and store.columns(inverse.child)[inverse.reference].field.required:
            left = {one["id"] for one in held.get(name) or []} - {one["id"] for one in targets}
            if left:
                raise _wrong(kind, name, f"must keep {min(left)}, which cannot be without it")


def _no_circle(
    store: Store, kind: str, held: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> None:
    """A parent must not lie below the row, nor a child above it, where the row will be."""
    family = store.schema.family(kind)
    own = str(held.get("path")) if held else None
    parent = values.get("parent")
    above = _path(store, family, parent) if parent else own
    if parent and own and str(above).startswith(own):
        raise _wrong(kind, "parent", "must not be the row itself or lie below it")
    for child in values.get("children") or []:
        path = _path(store, family, child)
        if path and (str(above).startswith(path) or str(own).startswith(path)):
            raise _wrong(kind, "children", "must not hold the row itself or what lies above it")


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
