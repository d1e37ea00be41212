"""Does the warehouse tell what Octane tells? Each flow's documented REST requests, asked live.

A workspace client and a warehouse connection in, the ids on both sides out; `verify` and the tests
call it. The requests are those of `flows.rest`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

from octane_flows.errors import AnswerError
from octane_flows.flows.catalogue import flow_named
from octane_flows.flows.rest import REST_FLOWS, Request, RestFlow, Row
from octane_flows.flows.run import Value, parse_parameters, run_flow

PAGE_SIZE = 1000  # the largest page that the server gives


class RestPage(Protocol):
    """What is used of a page of the client."""

    @property
    def rows(self) -> list[dict[str, Any]]: ...  # noqa: D102
    @property
    def total_count(self) -> int: ...  # noqa: D102


class RestWorkspace(Protocol):
    """What is used of a workspace of the client."""

    @property
    def id(self) -> str: ...  # noqa: D102

    def page(  # noqa: D102
        self,
        collection: str,
        *,
        fields: Sequence[str],
        query: str | None = None,
        order_by: str | None = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> RestPage: ...


@dataclass(frozen=True)
class Parity:
    """Ids on both sides; `missing` are in Octane only, `extra` in the warehouse only."""

    slug: str
    workspace_id: str
    requests: tuple[Request, ...]
    rest_ids: frozenset[str]
    sql_ids: frozenset[str]

    @property
    def missing(self) -> frozenset[str]:
        """Ids that Octane gives and the warehouse does not."""
        return self.rest_ids - self.sql_ids

    @property
    def extra(self) -> frozenset[str]:
        """Ids that the warehouse gives and Octane does not."""
        return self.sql_ids - self.rest_ids

    @property
    def is_equal(self) -> bool:
        """Whether both sides tell the same."""
        return self.rest_ids == self.sql_ids


def compare(
    workspace: RestWorkspace,
    connection: duckdb.DuckDBPyConnection,
    slug: str,
    params: Mapping[str, Value] | None = None,
) -> Parity:
    """Ask both sides the same question; `as_of` is the warehouse's where it is not given."""
    documented = rest_flow(slug)
    given = dict(params or {})
    effective = effective_parameters(connection, workspace.id, slug, given)
    answer = run_flow(connection, slug, given)
    sql_ids = frozenset(
        str(row[documented.key])
        for row in answer.select(["workspace_id", documented.key]).to_pylist()
        if row["workspace_id"] == workspace.id and row[documented.key] is not None
    )
    requests, rest_ids = ask(workspace, documented, effective)
    return Parity(slug, workspace.id, requests, rest_ids, sql_ids)


def rest_flow(slug: str) -> RestFlow:
    """The documented requests of a flow."""
    flow_named(slug)
    return REST_FLOWS[slug]


def effective_parameters(
    connection: duckdb.DuckDBPyConnection,
    workspace_id: str,
    slug: str,
    params: Mapping[str, Value],
) -> dict[str, Any]:
    """Every parameter with its typed value, the given one or the default, and who is signed in."""
    flow = flow_named(slug)
    defaults: dict[str, Value] = {item.name: item.default for item in flow.parameters}
    values: dict[str, Any] = parse_parameters(flow, {**defaults, **params})
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


def ask(
    workspace: RestWorkspace, documented: RestFlow, params: Mapping[str, Any]
) -> tuple[tuple[Request, ...], frozenset[str]]:
    """Send the documented requests in their order; gives them and the ids that they lead to."""
    sent: list[Request] = []
    steps = documented.steps(params)
    ids: Iterable[str]
    try:
        request = next(steps)
        while True:
            sent.append(request)
            request = steps.send(read_all(workspace, request))
    except StopIteration as end:
        ids = end.value
    return tuple(sent), frozenset(ids)


def read_all(workspace: RestWorkspace, request: Request) -> list[Row]:
    """All rows of one request, page by page."""
    rows: list[Row] = []
    while True:
        page = workspace.page(
            request.collection,
            fields=list(request.fields),
            query=request.query,
            order_by="id",
            limit=PAGE_SIZE,
            offset=len(rows),
        )
        rows += page.rows
        if not page.rows or len(rows) >= page.total_count:
            break
    found = len({str(row["id"]) for row in rows})
    if found != page.total_count:
        raise AnswerError(
            f"Asking {request.collection} for {request.query} gave {found} ids where the server "
            f"counts {page.total_count}; rows changed meanwhile, so ask again."
        )
    return rows
