"""Count and key of a model that follow from those of the models which its line `rows` names.

Models that are published in with the results of those before them, a number of rows and a
`CheckResult` out; `model_creation` calls it. The rows of the model itself are not read.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from octane_flows.models.model import Model
from octane_flows.warehouse.build_report import CheckResult, ModelResult
from octane_flows.warehouse.incremental.changed_rows import ChangedRows
from octane_flows.warehouse.key_checks import key_check_name, key_check_severity


def derived_count_and_key(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    results: Mapping[str, ModelResult],
    changed_rows: ChangedRows | None,
) -> tuple[int, CheckResult] | None:
    """What a pass over the model's rows would give; None where only such a pass can tell.

    `results`: those of the models before it. A key that was not checked now was checked by the
    previous build, which would not have been published without it.
    """
    if not model.header.rows:
        return None
    read_models = [source for source in model.sources if source.startswith("er.")]
    keys = [results[name].key if name in results else None for name in read_models]
    if not set(read_models) <= results.keys() or not all(key.passed for key in keys if key):
        return None
    key = CheckResult(key_check_name(model), key_check_severity(model), True, "")
    rows = changed_rows.derived_count(model) if changed_rows is not None else None
    return _counted(connection, model, results) if rows is None else rows, key


def _counted(
    connection: duckdb.DuckDBPyConnection, model: Model, results: Mapping[str, ModelResult]
) -> int:
    total = 0
    for part in model.header.rows:
        counted = results[part.model].rows if part.column is None else None
        if counted is None:
            counted = connection.execute(
                f"select count(*) from {part.model} as counted where {part.condition('counted')}"
            ).fetchall()[0][0]
        total += int(counted)
    return total
