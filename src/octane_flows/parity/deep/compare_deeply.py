"""One flow's answer against its plain evaluation: rows by their key, and every value of them.

A warehouse connection, entities read afresh and parameters in; the number of values compared and
each difference out. Columns that the evaluation does not give, such as addresses, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from octane_flows.parity.compare_ids import effective_parameters
from octane_flows.parity.deep import (
    plain_backlog,
    plain_defects,
    plain_failures,
    plain_results,
    plain_tests,
)
from octane_flows.parity.deep.entities_afresh import Entities, Row
from octane_flows.questions.catalogue import question_named
from octane_flows.questions.run_question import Value, run_question

EVALUATORS: dict[str, Callable[[Entities, dict[str, Any]], Iterator[Row]]] = {
    **plain_backlog.FLOWS,
    **plain_defects.FLOWS,
    **plain_failures.FLOWS,
    **plain_results.FLOWS,
    **plain_tests.FLOWS,
}


@dataclass(frozen=True)
class ValueDifference:
    """A value that differs, or without a column a row that only one side has."""

    key: tuple[str, ...]
    column: str | None
    octane: Any
    warehouse: Any


@dataclass(frozen=True)
class DeepComparison:
    """What was compared of one flow in one workspace."""

    slug: str
    row_count: int
    columns: tuple[str, ...]
    differences: tuple[ValueDifference, ...]


def compare_deeply(
    connection: duckdb.DuckDBPyConnection,
    entities: Entities,
    slug: str,
    params: Mapping[str, Value] | None = None,
) -> DeepComparison:
    """Evaluate a flow in both ways. Raises UsageError, OctaneFlowsError."""
    flow = question_named("flow", slug)
    given = {**(params or {}), "workspace_id": entities.workspace_id}
    effective = effective_parameters(connection, entities.workspace_id, slug, given)
    key = [name for name in flow.key if name != "workspace_id"]
    plain = _by_key(EVALUATORS[slug](entities, effective), key)
    answered = _by_key(run_question(connection, flow, given).to_pylist(), key)
    shown = {column.name for column in flow.columns}
    given_columns = dict.fromkeys(name for row in plain.values() for name in row)
    columns = tuple(name for name in given_columns if name in shown)
    differences: list[ValueDifference] = []
    for row_key in sorted(plain.keys() | answered.keys()):
        octane, warehouse = plain.get(row_key), answered.get(row_key)
        if octane is None or warehouse is None:
            differences.append(ValueDifference(row_key, None, octane, warehouse))
            continue
        differences += [
            ValueDifference(row_key, name, octane.get(name), warehouse[name])
            for name in columns
            if octane.get(name) != warehouse[name]
        ]
    return DeepComparison(slug, len(plain), columns, tuple(differences))


def _by_key(rows: Any, key: list[str]) -> dict[tuple[str, ...], Row]:
    return {tuple(str(row[name]) for name in key): row for row in rows}
