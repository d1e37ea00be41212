"""A plan from a query: each row names an item, and its columns are the fields to be set.

A warehouse and one select in, an ordinary plan out: `octane-flows plan from-query "select ..."`. A
row becomes a request that expects the present values of the fields that it sets. What may be
written is a list of entity types and fields, `OCTANE_QUERY_WRITES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

from octane_flows.actions.action_plan import FROM_QUERY, MadePlan, Plan, PlannedRequest
from octane_flows.actions.rest_values import FieldKind, field_kinds, present_values, rest_value
from octane_flows.actions.value_comparison import same, shown
from octane_flows.errors import UsageError
from octane_flows.questions.catalogue import nearest
from octane_flows.warehouse import restricted_rows

WORKSPACE_COLUMNS = ("workspace_id", "_workspace_id")
OWN_COLUMNS = ("id", "entity_type", "reason", *WORKSPACE_COLUMNS)
EXAMPLE = (
    "select 'defect' as entity_type, defect_id as id, workspace_id, "
    "'list_node.severity.high' as severity from er.defects where ..."
)


def plan_from_query(connection: duckdb.DuckDBPyConnection, sql: str) -> MadePlan:
    """The plan of a query. Raises UsageError for rows and columns that name nothing."""
    answer = restricted_rows(connection, sql)
    repeated = sorted({name for name in answer.column_names if answer.column_names.count(name) > 1})
    if repeated:
        raise UsageError(
            f"The query has several columns {', '.join(repeated)}, so that it sets a field twice; "
            "leave all but one out."
        )
    rows = answer.to_pylist()
    (origin,) = connection.execute(
        "select generation.generation, generation.server_url, generation.shared_space "
        "from meta.generation as generation"
    ).fetchall()
    generation, server_url, shared_space = origin
    requests: list[PlannedRequest] = []
    steps: dict[str, int] = {}
    for (workspace, entity_type), of_type in _by_type(connection, rows).items():
        kinds = _kinds(connection, workspace, entity_type, of_type)
        items = present_values(connection, workspace, entity_type, kinds.values(), list(of_type))
        for id, row in of_type.items():
            if id not in items:
                raise UsageError(
                    f"There is no {entity_type} {id} in workspace {workspace} of the warehouse; "
                    "correct the query's id and entity_type, or extract again."
                )
            wanted = {
                kind.name: rest_value(connection, workspace, kind, row[column], items[id])
                for column, kind in kinds.items()
            }
            now = {name: items[id].values[name] for name in wanted}
            names = [name for name in wanted if not same(wanted[name], now[name])]
            if not names:
                continue
            steps[workspace] = steps.get(workspace, 0) + 1
            words = "; ".join(
                f"{name} is {shown(now[name])} and is to be {shown(wanted[name])}" for name in names
            )
            requests.append(
                PlannedRequest(
                    workspace_id=workspace,
                    step=steps[workspace],
                    operation="update",
                    entity_type=entity_type,
                    entity_id=id,
                    entity_name=items[id].name,
                    expected={"fields": {name: now[name] for name in names}},
                    body={name: wanted[name] for name in names},
                    reason=str(row["reason"]) if row.get("reason") else words,
                )
            )
    requests.sort(key=lambda request: (request.workspace_id, request.step))
    plan = Plan(FROM_QUERY, {"query": sql}, server_url, shared_space, generation, tuple(requests))
    return MadePlan(plan, None if requests else _nothing_of(len(rows)))


def _nothing_of(row_count: int) -> str:
    if row_count == 0:
        return "the query has no rows"
    return f"there is nothing to do: all {row_count:,} rows of the query are so already"


def check_query_writes(plan: Plan, allowed: Iterable[str]) -> None:
    """A plan from a query updates the types and fields that are allowed. Raises UsageError."""
    listed = tuple(allowed)
    for request in plan.requests:
        if request.operation != "update" or set(request.expected) - {"fields"}:
            raise UsageError(
                f"Step {request.step} is no update of fields, and a plan from a query has no "
                "other requests; nothing was sent. Plan again."
            )
        refused = [
            f"{request.entity_type}.{name}"
            for name in request.body
            if request.entity_type not in listed and f"{request.entity_type}.{name}" not in listed
        ]
        if refused:
            raise UsageError(
                f"Step {request.step} writes {', '.join(refused)}, and OCTANE_QUERY_WRITES allows "
                f"{', '.join(listed) or 'nothing'}; nothing was sent. Add it there, or leave it "
                "out of the query."
            )


def _by_type(
    connection: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]
) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """The rows by workspace and entity type, then by id."""
    with connection.cursor() as cursor:
        workspaces = [
            str(row[0])
            for row in cursor.execute(
                "select distinct workspace_id from meta.fields order by workspace_id"
            ).fetchall()
        ]
    grouped: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        for name in ("id", "entity_type"):
            if row.get(name) is None:
                raise UsageError(
                    f"A row of the query has no {name}; select an entity_type and an id, as in "
                    f'"{EXAMPLE}".'
                )
        workspace = next((str(row[name]) for name in WORKSPACE_COLUMNS if row.get(name)), None)
        if workspace is None:
            if len(workspaces) != 1:
                raise UsageError(
                    "The warehouse holds several workspaces; select workspace_id too, as in "
                    f'"{EXAMPLE}".'
                )
            workspace = workspaces[0]
        if workspace not in workspaces:
            raise UsageError(
                f"There is no workspace {workspace} in the warehouse; "
                f"{nearest(workspace, workspaces)}"
            )
        of_type = grouped.setdefault((workspace, str(row["entity_type"])), {})
        if str(row["id"]) in of_type:
            raise UsageError(
                f"The query has two rows for {row['entity_type']} {row['id']} of workspace "
                f"{workspace}; let it give one row for each item."
            )
        of_type[str(row["id"])] = row
    return grouped


def _kinds(
    connection: duckdb.DuckDBPyConnection,
    workspace: str,
    entity_type: str,
    rows: Mapping[str, Mapping[str, Any]],
) -> dict[str, FieldKind]:
    """What each column of the query sets; the warehouse's column of a reference names it too."""
    known_fields = field_kinds(connection, workspace, entity_type)
    columns = [name for name in next(iter(rows.values())) if name not in OWN_COLUMNS]
    if not columns:
        raise UsageError(
            "The query selects no field to set; add columns that are named as fields, as in "
            f'"{EXAMPLE}".'
        )
    kinds: dict[str, FieldKind] = {}
    by_column = {kind.stored_in[0]: kind for kind in known_fields.values() if kind.stored_in}
    for column in columns:
        kind = known_fields.get(column) or by_column.get(column)
        if kind is None:
            raise UsageError(
                f"The query sets '{column}', which is no field of {entity_type} in workspace "
                f"{workspace}; {nearest(column, list(known_fields))}"
            )
        if not kind.is_written:
            raise UsageError(
                f"The query sets '{column}', which the server alone writes; leave it out."
            )
        kinds[column] = kind
    return kinds
