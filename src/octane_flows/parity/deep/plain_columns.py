"""Columns that many flows have in common, in plain Python.

Entities and a row in, the columns of its phase, owner, release or sprint out.
"""

from __future__ import annotations

from octane_flows.parity.deep.entities_afresh import Entities, Row, reference


def phase_columns(entities: Entities, row: Row) -> Row:
    """Code and label of the phase."""
    return {
        "phase_code": entities.code(row, "phase", "phase"),
        "phase_label": entities.label(row, "phase", "phase"),
    }


def owner_columns(entities: Entities, row: Row) -> Row:
    """Id and name of the owner."""
    id = reference(row, "owner")
    return {
        "owner_user_id": id,
        "owner_name": entities.name(id, "workspace_user", field="full_name"),
    }


def release_columns(entities: Entities, row: Row) -> Row:
    """Id and name of the release."""
    id = reference(row, "release")
    return {"release_id": id, "release_name": entities.name(id, "release")}


def sprint_columns(entities: Entities, row: Row) -> Row:
    """Id and name of the sprint."""
    id = reference(row, "sprint")
    return {"sprint_id": id, "sprint_name": entities.name(id, "sprint")}
