"""`verify --deep`: one reading of a workspace, then every flow evaluated over it.

A workspace of the client and a warehouse connection in; a function that gives, for a flow and its
parameters, what was compared and each difference. `verify_flows` calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import duckdb

from octane_flows.parity.deep.compare_deeply import EVALUATORS, ValueDifference, compare_deeply
from octane_flows.parity.deep.entities_afresh import DeepWorkspace, Entities, moment, read_entities
from octane_flows.parity.verification import Difference, Reason
from octane_flows.questions.catalogue import Question
from octane_flows.questions.run_question import Value

#: A flow and its parameters in, what was compared in words and the differences out.
Deep = Callable[[Question, Mapping[str, Value]], tuple[str, list[Difference]]]

CURSORS = """
select
    min(certificate.cursor_at),
    (
        select exists (
            select 1 from er.test_scripts as scripts where scripts.workspace_id = $workspace
        )
    )
from meta.certificate as certificate
where certificate.workspace_id = $workspace
"""


def deep_evaluation(workspace: DeepWorkspace, connection: duckdb.DuckDBPyConnection) -> Deep:
    """Read the workspace now, for all flows. Raises ServerError."""
    with connection.cursor() as own:
        rows = own.execute(CURSORS, {"workspace": workspace.id}).fetchall()
    cursor, with_scripts = rows[0]
    entities = read_entities(workspace, with_scripts=with_scripts)
    changed = _changed_since(entities, cursor)

    def evaluate(flow: Question, params: Mapping[str, Value]) -> tuple[str, list[Difference]]:
        if flow.slug not in EVALUATORS:
            return "ids alone (a flow of your own has no evaluation)", []
        compared = compare_deeply(connection, entities, flow.slug, params)
        rows = f"{compared.row_count:,} row{'s' * (compared.row_count != 1)}"
        words = f"ids, and of {rows} all of {', '.join(compared.columns)}"
        differences = [_difference(it, changed) for it in compared.differences]
        return words if compared.columns else f"ids, and {rows}", differences

    return evaluate


def _changed_since(entities: Entities, cursor: datetime | None) -> int:
    """How many entities were written at or after the extract's cursor."""
    if cursor is None:
        return 0
    return sum(
        (time := moment(row, "last_modified")) is not None and time >= cursor
        for rows in entities.rows.values()
        for row in rows.values()
    )


def _difference(it: ValueDifference, changed: int) -> Difference:
    reason: Reason = "related changed" if changed else "different"
    since = f"; {changed:,} entities were written since the extract" if changed else ""
    id = "/".join(it.key)
    if it.column is None:
        only_in = "octane" if it.warehouse is None else "warehouse"
        detail = f"a row that only {only_in} has when all is evaluated afresh{since}"
        return Difference(id, "octane" if it.warehouse is None else "warehouse", reason, detail)
    detail = f"{it.column} is {it.octane!r} in Octane and {it.warehouse!r} in the warehouse{since}"
    return Difference(id, "neither", reason, detail)
