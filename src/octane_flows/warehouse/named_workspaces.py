"""The workspaces of an open warehouse by id and name.

A connection in, names by id, or the id of what a user wrote, out; reports, the gate, changes, serve
and agents call it.
"""

from __future__ import annotations

import duckdb

from octane_flows.config import ids_of_workspaces, workspace_list
from octane_flows.errors import UsageError

NAMES = (
    "select workspaces.workspace_id, workspaces.workspace_name from meta.workspaces as workspaces "
    "order by try_cast(workspaces.workspace_id as bigint), workspaces.workspace_id"
)


def workspace_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """The names by id, in the order of the ids; None: the server did not say."""
    try:
        with connection.cursor() as cursor:
            return dict(cursor.execute(NAMES).fetchall())
    except duckdb.BinderException:  # built by a version that did not keep names
        with connection.cursor() as cursor:
            sql = NAMES.replace("workspaces.workspace_name", "null")
            return dict(cursor.execute(sql).fetchall())


def workspace_id_of(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The id of a workspace of the warehouse, by id or name. Raises UsageError."""
    names = workspace_names(connection)
    [id] = ids_of_workspaces([text], names, where="the warehouse")
    if id not in names:
        raise UsageError(
            f"The warehouse has no workspace {text}; it has {workspace_list(names, names)}."
        )
    return id
