"""`meta.certificate`, `rejected_values` and `schema_changes`, and the view `meta.completeness`.

The certificate's rows and the schema changes of a manifest in, rows out; see `create_meta`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from octane_flows.lake import CertificateRow, Manifest, RejectedValue
from octane_flows.lake.manifest import SchemaChange
from octane_flows.warehouse.meta.meta_table import MetaColumn, MetaTable, naive_utc_or_none

CERTIFICATE = MetaTable[CertificateRow](
    "certificate",
    "What was requested of each entity type in each workspace, what came, and what is held.",
    (
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it.workspace),
        MetaColumn("entity", "VARCHAR", "entity type", lambda it: it.entity),
        MetaColumn("collection", "VARCHAR", "collection that was read", lambda it: it.collection),
        MetaColumn(
            "total_count",
            "BIGINT",
            "rows that the server counted for what was requested",
            lambda it: it.total_count,
        ),
        MetaColumn("rows_read", "BIGINT", "rows that were read", lambda it: it.rows_read),
        MetaColumn("page_count", "BIGINT", "pages that were read", lambda it: it.pages),
        MetaColumn(
            "received_bytes",
            "BIGINT",
            "bytes that were received",
            lambda it: it.bytes_received,
        ),
        MetaColumn(
            "status",
            "VARCHAR",
            "complete, refused (may not be read), absent (no longer there) or carried",
            lambda it: it.status,
        ),
        MetaColumn(
            "note",
            "VARCHAR",
            "why, when it is not complete, and what else was done",
            lambda it: it.note,
        ),
        MetaColumn(
            "mode",
            "VARCHAR",
            "full, newest (changes), ids (new ids) or whole",
            lambda it: it.mode,
        ),
        MetaColumn(
            "rows_written",
            "BIGINT",
            "new versions and tombstones of this extract",
            lambda it: it.rows_written,
        ),
        MetaColumn(
            "rows_held",
            "BIGINT",
            "rows held after it, null where the lake does not know",
            lambda it: it.rows_held,
        ),
        MetaColumn(
            "server_count_start",
            "BIGINT",
            "the server's count before a census or full read",
            lambda it: it.server_count_start,
        ),
        MetaColumn(
            "server_count_end",
            "BIGINT",
            "the server's count after it",
            lambda it: it.server_count_end,
        ),
        MetaColumn(
            "cursor_at",
            "TIMESTAMP",
            "changes before this server time are held (UTC)",
            lambda it: naive_utc_or_none(it.cursor),
        ),
        MetaColumn(
            "lag_s", "DOUBLE", "seconds from the cursor to the extract", lambda it: it.lag_s
        ),
        MetaColumn(
            "census_at",
            "TIMESTAMP",
            "last comparison with the server's ids (UTC)",
            lambda it: naive_utc_or_none(it.census_at),
        ),
        MetaColumn(
            "census_result",
            "VARCHAR",
            "equal, or how many rows were deleted and how many were missing here",
            lambda it: it.census_result,
        ),
        MetaColumn(
            "tombstones",
            "JSON",
            "deleted rows by the reason of the deletion",
            lambda it: json.dumps(it.tombstones, sort_keys=True),
        ),
        MetaColumn(
            "rejected_value_count",
            "BIGINT",
            "values that do not fit and are null here; see rejected_values",
            lambda it: it.rejected_values,
        ),
        MetaColumn(
            "complete_from_at",
            "TIMESTAMP",
            "of a change history: moment from which on it is complete (UTC)",
            lambda it: naive_utc_or_none(it.complete_from),
        ),
    ),
)

REJECTED_VALUES = MetaTable[tuple[str, str, RejectedValue]](
    "rejected_values",
    "Values of the server that do not fit their field: they are null here, all else is loaded.",
    (
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it[0]),
        MetaColumn("entity", "VARCHAR", "entity type", lambda it: it[1]),
        MetaColumn("id", "VARCHAR", "id of the row", lambda it: it[2].id),
        MetaColumn(
            "field",
            "VARCHAR",
            "field that has the value; id: the whole row is left out",
            lambda it: it[2].field,
        ),
        MetaColumn(
            "value",
            "VARCHAR",
            "the value as text, up to 1,000 characters",
            lambda it: it[2].value,
        ),
        MetaColumn(
            "since",
            "TIMESTAMP",
            "server time of the extract that met it first (UTC)",
            lambda it: naive_utc_or_none(it[2].since),
        ),
    ),
)


def rejected_values(manifest: Manifest) -> Iterator[tuple[str, str, RejectedValue]]:
    """The records of `meta.rejected_values`."""
    for workspace, states in sorted(manifest.states.items()):
        for entity, state in sorted(states.items()):
            for value in state.rejected:
                yield workspace, entity, value


SCHEMA_CHANGES = MetaTable[SchemaChange](
    "schema_changes",
    "Fields and lists that appeared, went away or were changed.",
    (
        MetaColumn(
            "generation", "BIGINT", "generation that saw it first", lambda it: it.generation
        ),
        MetaColumn("workspace_id", "VARCHAR", "id of the workspace", lambda it: it.workspace),
        MetaColumn("entity", "VARCHAR", "entity type", lambda it: it.entity),
        MetaColumn(
            "field",
            "VARCHAR",
            "field of the entity type; of list_node: id of the list",
            lambda it: it.field,
        ),
        MetaColumn(
            "change",
            "VARCHAR",
            "added, removed, returned, retyped, relabelled, list_added or list_removed",
            lambda it: it.change,
        ),
        MetaColumn("detail", "VARCHAR", "from what to what", lambda it: it.detail),
    ),
)

COMPLETENESS_SQL = """
create view meta.completeness as
select
    certificate.workspace_id,
    certificate.entity,
    certificate.status,
    certificate.total_count,
    certificate.rows_read,
    certificate.rows_held,
    loaded.row_count as rows_loaded,
    certificate.status = 'complete' and certificate.rows_read = certificate.total_count
        and coalesce(certificate.rows_held = coalesce(loaded.row_count, 0), true)
        as is_complete,
    certificate.note
from meta.certificate as certificate
left join meta.workspace_rows as loaded
    on loaded.workspace_id = certificate.workspace_id
    and loaded.entity = certificate.entity
"""
COMPLETENESS_MEANING = "Requested, read and loaded, by workspace and entity."
