"""Who may own whom: a comment has one owner, trees have no circles, no row loses its only owner.

In: a stored row and the values of a write. Out: nothing, or ApiError 400. Called by writer.py.
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
    store: Store, kind: str, old_row: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> None:
    """Refuse a write that gives a row no owner or two, or puts it below itself."""
    if kind in _OWNED:
        _check_single_owner(kind, {**(old_row or {}), **values})
    family = store.schema.family(kind)
    if family in TREE_ROOTS:
        _check_no_circle(store, kind, old_row, values)
    if old_row is None:
        return
    for name, targets in values.items():
        inverse = store.schema.inverses.get((family, name))
        if inverse and store.columns(inverse.child)[inverse.reference].field.required:
            lost_ids = {target["id"] for target in old_row.get(name) or []} - {
                target["id"] for target in targets
            }
            if lost_ids:
                raise _refusal(kind, name, f"must keep {min(lost_ids)}, which must have an owner")


def _check_no_circle(
    store: Store, kind: str, old_row: Mapping[str, Any] | None, values: Mapping[str, Any]
) -> None:
    """A parent must not lie below the row, nor a child above it, where the row will be."""
    family = store.schema.family(kind)
    own_path = str(old_row.get("path")) if old_row else None
    parent = values.get("parent")
    upper_path = _path(store, family, parent) if parent else own_path
    if parent and own_path and str(upper_path).startswith(own_path):
        raise _refusal(kind, "parent", "must not be the row itself or lie below it")
    for child in values.get("children") or []:
        path = _path(store, family, child)
        if path and (str(upper_path).startswith(path) or str(own_path).startswith(path)):
            raise _refusal(kind, "children", "must not hold the row itself or what lies above it")


def _check_single_owner(kind: str, row: Mapping[str, Any]) -> None:
    owners = [name for name, value in row.items() if name.startswith("owner_") and value]
    if len(owners) != 1:
        raise _refusal(
            kind,
            owners[-1] if owners else "owner_work_item",
            f"must be the one owner; there are {len(owners)}",
        )


def _path(store: Store, family: str, reference: Mapping[str, Any]) -> str | None:
    return (store.get(family, reference["id"], links=()) or {}).get("path")


def _refusal(kind: str, field: str, problem: str) -> Exception:
    properties = {"entity_type": kind, "field_name": field}
    return illegal_value(f"The field '{field}' of '{kind}' {problem}", properties)
