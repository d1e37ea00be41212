"""The columns of every table of the lake: its keys, and what the extract notes of a version.

Nothing comes in; `extract` writes them and `warehouse` describes and loads them.
"""

from __future__ import annotations

from octane_flows.lake.manifest import ColumnEntry

__all__ = ["ENTITY_KEYS", "LINK_KEYS", "LINK_KEY_NAMES", "OWN_COLUMNS", "OWN_COLUMN_NAMES"]

ENTITY_KEYS = (
    ColumnEntry("id", "VARCHAR", "id", "string", "ID"),
    ColumnEntry("type", "VARCHAR", "type", "string", "Entity type"),
)
LINK_KEYS = (
    ColumnEntry("source_id", "VARCHAR", None, None, "ID of the entity that has the field"),
    ColumnEntry("target_id", "VARCHAR", None, None, "ID of the entity referred to"),
    ColumnEntry("target_type", "VARCHAR", None, None, "Type of the entity referred to"),
)
OWN_COLUMNS = (
    ColumnEntry("_workspace_id", "VARCHAR", None, None, "workspace that the row was read through"),
    ColumnEntry(
        "_generation", "BIGINT", None, None, "generation of the extract that read this version"
    ),
    ColumnEntry("_extracted_at", "TIMESTAMP", None, None, "when the row was read (UTC)"),
    ColumnEntry(
        "_deleted",
        "BOOLEAN",
        None,
        None,
        "whether the row is deleted; false in octane.*",
    ),
)
LINK_KEY_NAMES = [column.name for column in LINK_KEYS]
OWN_COLUMN_NAMES = frozenset(column.name for column in OWN_COLUMNS)
