"""The same question to both sides: the documented requests and the flow's SQL.

A workspace of the client, a warehouse connection, a slug and parameters in, a `Parity` out;
`verify_flows` and the tests call it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from octane_flows.errors import UsageError
from octane_flows.parity.requests import DOCUMENTED_REQUESTS, DocumentedRequests, Request, Row
from octane_flows.parity.send_requests import RestWorkspace, send_with_values
from octane_flows.questions.catalogue import Question, list_questions, question_named
from octane_flows.questions.run_question import Value, parse_parameters, run_question


@dataclass(frozen=True)
class Parity:
    """The ids that one flow names on both sides, and the requests that were sent for them.

    `counted` is what the requests themselves tell about an id, by column; `rows` are the answer's.
    """

    slug: str
    workspace_id: str
    requests: tuple[Request, ...]
    rest_ids: frozenset[str]
    sql_ids: frozenset[str]
    counted: Mapping[str, Row] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()

    @property
    def only_in_octane(self) -> frozenset[str]:
        """Ids that Octane gives and the warehouse does not."""
        return self.rest_ids - self.sql_ids

    @property
    def only_in_warehouse(self) -> frozenset[str]:
        """Ids that the warehouse gives and Octane does not."""
        return self.sql_ids - self.rest_ids

    @property
    def is_equal(self) -> bool:
        """Whether both sides name the same ids."""
        return self.rest_ids == self.sql_ids


def compare(
    workspace: RestWorkspace,
    connection: duckdb.DuckDBPyConnection,
    slug: str,
    params: Mapping[str, Value] | None = None,
    *,
    most: int | None = None,
) -> Parity:
    """Ask both sides the same question; `as_of` is the warehouse's where it is not given.

    Raises ServerError, UsageError, OctaneFlowsError; `most` as in `send_requests`.
    """
    documented = documented_requests(slug)
    given = {**(params or {}), "workspace_id": workspace.id}
    effective = effective_parameters(connection, workspace.id, slug, given)
    flow = question_named("flow", slug)
    answer = run_question(connection, flow, given)
    sql_ids = frozenset(str(id) for id in answer[documented.key].to_pylist() if id is not None)
    requests, counted = send_with_values(workspace, documented, effective, most=most)
    rows = tuple(answer.to_pylist())
    return Parity(slug, workspace.id, requests, frozenset(counted), sql_ids, counted, rows)


def flows_with_requests() -> list[Question]:
    """The flows that can be compared with the server: the documented ones, and others like them."""
    return [flow for flow in list_questions("flow") if flow.slug in DOCUMENTED_REQUESTS]


def documented_requests(slug: str) -> DocumentedRequests:
    """The documented requests of a flow. Raises UsageError."""
    flow = question_named("flow", slug)
    if slug not in DOCUMENTED_REQUESTS:
        raise UsageError(
            f"The flow {flow.slug} cannot be compared with the server, because it has no REST "
            "requests; leave it out, or write its requests in parity/requests."
        )
    return DOCUMENTED_REQUESTS[slug]


def effective_parameters(
    connection: duckdb.DuckDBPyConnection,
    workspace_id: str,
    slug: str,
    params: Mapping[str, Value],
) -> dict[str, Any]:
    """Every parameter with its typed value, the given one or the default, and who is signed in."""
    flow = question_named("flow", slug)
    values: dict[str, Any] = parse_parameters(flow, {**flow.defaults, **params})
    values["is_as_of_given"] = values.get("as_of") is not None
    with connection.cursor() as cursor:
        if "as_of" in values and values["as_of"] is None:
            values["as_of"] = cursor.execute(
                "select generation.as_of from meta.generation as generation"
            ).fetchall()[0][0]
        users = cursor.execute(
            "select signed_in_users.user_id from er.signed_in_users as signed_in_users "
            "where signed_in_users.workspace_id = ?",
            [workspace_id],
        ).fetchall()
    values["signed_in_user_id"] = users[0][0] if users else None
    if "user_id" in values and values["user_id"] is None:
        values["user_id"] = values["signed_in_user_id"]
    return values
