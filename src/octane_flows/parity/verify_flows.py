"""The proof for a user: each flow is compared with the live server, each difference has a reason.

A client and a warehouse connection in, `Verification` records out; `octane-flows verify` prints
them, Dagster turns them into checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import duckdb

from octane_flows.client import Octane
from octane_flows.errors import (
    AccessError,
    AnswerError,
    NotFoundError,
    OctaneFlowsError,
    RequestError,
    UsageError,
)
from octane_flows.parity.compare_ids import (
    Parity,
    compare,
    documented_requests,
    flows_with_requests,
)
from octane_flows.parity.compare_scripts import (
    SCRIPT,
    SCRIPTED_FLOW,
    ScriptedWorkspace,
    compare_scripts,
)
from octane_flows.parity.compare_values import compare_values
from octane_flows.parity.deep import Deep, deep_evaluation
from octane_flows.parity.requests import DocumentedRequests
from octane_flows.parity.requests.documented_requests import IDS_PER_REQUEST, identifier, moment
from octane_flows.parity.send_requests import RestWorkspace, TooManyRowsError, utc_time
from octane_flows.parity.verification import Difference, Reason, Status, Verification
from octane_flows.questions.catalogue import Question, nearest, question_named
from octane_flows.questions.run_question import Value

MOST_ROWS = 50_000  # fifty pages: what a check may ask of a live server for one request
MOST_EXAMINED = 500  # differing ids of each side whose reason is looked up


def verify(
    octane: Octane,
    connection: duckdb.DuckDBPyConnection,
    slugs: Sequence[str] = (),
    params: Mapping[str, Value] | None = None,
    *,
    most: int | None = MOST_ROWS,
    deep: bool = False,
) -> Iterable[Verification]:
    """Compare flows (no slugs: all) in every workspace of the warehouse, one after the other.

    `deep` reads all entities of a workspace afresh and evaluates each flow over them in plain
    Python, every row and value.

    A parameter goes to each flow that has it; a name that no flow has is a `UsageError`.
    `workspace_id` leaves out the other workspaces.
    """
    flows = [question_named("flow", slug) for slug in slugs] or flows_with_requests()
    given = dict(params or {})
    names = sorted({parameter.name for flow in flows for parameter in flow.parameters})
    for name in given:
        if name not in names:
            raise UsageError(
                f"None of these flows has a parameter '{name}'; {nearest(name, names)}"
            )
    with connection.cursor() as cursor:
        rows = cursor.execute(
            "select distinct certificate.workspace_id from meta.certificate as certificate "
            "order by certificate.workspace_id"
        ).fetchall()
    for (workspace_id,) in rows:
        if given.get("workspace_id") not in (None, workspace_id):
            continue
        workspace = octane.workspace(workspace_id)
        evaluate = deep_evaluation(workspace, connection) if deep else None
        for flow in flows:
            own = {name: value for name, value in given.items() if name in flow.defaults}
            yield verify_flow(workspace, connection, flow, own, most=most, deep=evaluate)


def verify_flow(
    workspace: ScriptedWorkspace,
    connection: duckdb.DuckDBPyConnection,
    flow: Question,
    params: Mapping[str, Value],
    *,
    most: int | None = MOST_ROWS,
    deep: Deep | None = None,
) -> Verification:
    """Compare one flow in one workspace; a side that does not answer is a status, not an error.

    `deep` evaluates the flow over entities read afresh, in place of looking values up by id.
    """
    try:
        parity = compare(workspace, connection, flow.slug, params, most=most)
    except UsageError:
        raise
    except TooManyRowsError as error:
        return _without_answer(flow, workspace, "not compared", error)
    except (AccessError, AnswerError, NotFoundError, RequestError) as error:
        return _without_answer(flow, workspace, "refused", error)
    documented = documented_requests(flow.slug)
    cursor = _cursor(connection, workspace.id, documented.collection)
    differences = [
        *_explain(workspace, documented, parity.only_in_octane, "octane", cursor),
        *_explain(workspace, documented, parity.only_in_warehouse, "warehouse", cursor),
    ]
    if deep is not None:
        compared_words, of_values = deep(flow, params)
        differences += of_values
    else:
        ids = sorted(parity.rest_ids & parity.sql_ids)
        try:
            values = compare_values(
                workspace, flow, documented, parity.rows, parity.counted, ids, cursor
            )
        except (AccessError, AnswerError, NotFoundError, RequestError) as error:
            return _without_answer(flow, workspace, "refused", error)
        compared_words = values.words
        differences += values.differences
    script_count = 0
    if flow.slug == SCRIPTED_FLOW:
        script_count, script_differences = compare_scripts(workspace, connection, params, cursor)
        differences += script_differences
    return _verification(flow, parity, tuple(differences), script_count, compared_words)


def _without_answer(
    flow: Question, workspace: RestWorkspace, status: Status, error: OctaneFlowsError
) -> Verification:
    return Verification(
        flow.slug, flow.number, workspace.id, status, None, None, (), (), str(error)
    )


def _verification(
    flow: Question,
    parity: Parity,
    differences: tuple[Difference, ...],
    script_count: int,
    compared: str,
) -> Verification:
    status: Status = "equal"
    if differences:
        reasons = {difference.reason for difference in differences}
        status = "changed" if reasons <= {"changed", "related changed"} else "different"
    return Verification(
        slug=flow.slug,
        number=flow.number,
        workspace_id=parity.workspace_id,
        status=status,
        octane_count=len(parity.rest_ids),
        warehouse_count=len(parity.sql_ids),
        requests=parity.requests,
        differences=differences,
        message=_message(parity, differences, script_count),
        compared=compared if parity.requests else "",
    )


def _message(parity: Parity, differences: tuple[Difference, ...], script_count: int) -> str:
    scripts = f"{script_count} script{'s' * (script_count != 1)} compared" if script_count else ""
    if not differences:
        return scripts if parity.requests else "no user is meant, so nothing was sent"
    counts = Counter(difference.reason for difference in differences)
    reasons = ", ".join(f"{count} {reason}" for reason, count in counts.items())
    in_both = [difference for difference in differences if difference.only_in == "neither"]
    differing_scripts = sum(difference.detail.startswith(SCRIPT) for difference in in_both)
    differing_values = len(in_both) - differing_scripts
    of_scripts = f", {differing_scripts} of {scripts} read otherwise" if scripts else ""
    of_values = f", {differing_values} values differ" if differing_values else ""
    return (
        f"{len(parity.only_in_octane)} only in Octane, "
        f"{len(parity.only_in_warehouse)} only in the warehouse{of_scripts}{of_values}: {reasons}"
    )


CURSOR = """
select coalesce(
    min(certificate.cursor_at) filter (where certificate.collection = $collection),
    max(certificate.cursor_at),
    any_value(generation.as_of)
)
from meta.generation as generation
left join meta.certificate as certificate
    on certificate.workspace_id = $workspace
"""


def _cursor(connection: duckdb.DuckDBPyConnection, workspace_id: str, collection: str) -> datetime:
    """The time (UTC) before which the warehouse holds every change of the collection.

    Collections of several entity types have the workspace's newest cursor.
    """
    with connection.cursor() as own:
        rows = own.execute(CURSOR, {"collection": collection, "workspace": workspace_id}).fetchall()
    cursor: datetime = rows[0][0]
    return cursor


def _explain(
    workspace: RestWorkspace,
    documented: DocumentedRequests,
    ids: frozenset[str],
    only_in: Literal["octane", "warehouse"],
    cursor: datetime,
) -> list[Difference]:
    """Why each id is on one side only."""
    ordered = sorted(ids)
    examined = ordered[:MOST_EXAMINED]
    modified = _last_modified(workspace, documented.collection, examined)
    related = _changed_since(workspace, documented.depends_on, cursor) if examined else None
    differences: list[Difference] = []
    for id in examined:
        reason: Reason = "different"
        detail = "both sides hold it as it is now, and only one of them names it"
        if id not in modified:
            reason, detail = "not readable", "Octane does not give it when asked for by id"
        elif (time := modified[id]) is not None and time >= cursor:
            reason, detail = "changed", f"last modified {time:%Y-%m-%d %H:%M:%S} UTC"
        elif related:
            reason, detail = "related changed", related
        differences.append(Difference(id, only_in, reason, detail))
    rest = ordered[MOST_EXAMINED:]
    return differences + [
        Difference(id, only_in, "not examined", f"only {MOST_EXAMINED} ids are looked up")
        for id in rest
    ]


def _last_modified(
    workspace: RestWorkspace, collection: str, ids: Sequence[str]
) -> dict[str, datetime | None]:
    """When each id that Octane still gives was last modified; None where it does not say."""
    times: dict[str, datetime | None] = {}
    fields = ["last_modified"]
    for start in range(0, len(ids), IDS_PER_REQUEST):
        batch = ids[start : start + IDS_PER_REQUEST]
        query = f"id IN {','.join(identifier(id) for id in batch)}"
        try:
            page = workspace.page(collection, fields=fields, query=query, limit=IDS_PER_REQUEST)
        except RequestError:  # run history has no such field
            fields = ["id"]
            page = workspace.page(collection, fields=fields, query=query, limit=IDS_PER_REQUEST)
        for row in page.rows:
            text = row.get("last_modified")
            times[str(row["id"])] = utc_time(text) if isinstance(text, str) else None
    return times


def _changed_since(
    workspace: RestWorkspace, collections: Iterable[str], cursor: datetime
) -> str | None:
    """What else the answer rests on that changed since the extract; None for nothing."""
    changed: list[str] = []
    for collection in collections:
        query = f"last_modified GE {moment(cursor)}"
        page = workspace.page(collection, fields=["id"], query=query, limit=1)
        if page.total_count:
            changed.append(f"{page.total_count:,} {collection}")
    return f"{', '.join(changed)} changed since the extract" if changed else None
