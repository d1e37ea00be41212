"""`meta.models`, `meta.columns`, `meta.flows`, `metrics` and `meta.checks`.

Models with what became of them, and check results in, rows out; see `create_meta`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from octane_flows.models.macros import example_call
from octane_flows.models.model import Model
from octane_flows.warehouse.build_report import CheckResult, ColumnResult, ModelResult
from octane_flows.warehouse.meta.meta_table import MetaColumn, MetaTable

STATUS_MEANING = (
    "available, partial when the lake lacks what it reads, or repeated when several rows of the "
    "answer had one key when they were counted"
)


@dataclass(frozen=True)
class ModelRecord:
    """A model and what became of it."""

    model: Model
    result: ModelResult


@dataclass(frozen=True)
class ColumnRecord:
    """A column of a model; `position` is 1 for the first."""

    model: str
    position: int
    column: ColumnResult


MODELS = MetaTable[ModelRecord](
    "models",
    "Every SQL model and whether this server has what it reads.",
    (
        MetaColumn("model", "VARCHAR", "qualified name", lambda it: it.model.name),
        MetaColumn("kind", "VARCHAR", "view, table or macro", lambda it: it.result.kind),
        MetaColumn("status", "VARCHAR", STATUS_MEANING, lambda it: it.result.status),
        MetaColumn(
            "reason",
            "VARCHAR",
            "what it reads that the lake does not hold, or keys that are repeated",
            lambda it: it.result.reason,
        ),
        MetaColumn(
            "row_count",
            "BIGINT",
            "rows; null for a flow, metric or plan that was not counted",
            lambda it: it.result.rows,
        ),
        MetaColumn(
            "question",
            "VARCHAR",
            "question that the rows answer",
            lambda it: it.model.header.question,
        ),
        MetaColumn("grain", "VARCHAR", "what one row is", lambda it: it.model.header.grain),
        MetaColumn(
            "key_columns",
            "VARCHAR[]",
            "columns that identify a row",
            lambda it: list(it.model.header.key),
        ),
        MetaColumn(
            "depends_on",
            "VARCHAR[]",
            "tables and models that it reads",
            lambda it: list(it.model.sources),
        ),
    ),
)

COLUMNS = MetaTable[ColumnRecord](
    "columns",
    "The columns of every model and what they mean.",
    (
        MetaColumn("model", "VARCHAR", "qualified name", lambda it: it.model),
        MetaColumn("position", "BIGINT", "1 for the first column", lambda it: it.position),
        MetaColumn("column_name", "VARCHAR", "name of the column", lambda it: it.column.name),
        MetaColumn("type", "VARCHAR", "DuckDB type", lambda it: it.column.type),
        MetaColumn("meaning", "VARCHAR", "what a value says", lambda it: it.column.meaning),
    ),
)

#: Of flows and metrics.
_QUESTION_COLUMNS: tuple[MetaColumn[ModelRecord], ...] = (
    MetaColumn(
        "question",
        "VARCHAR",
        "question that the rows answer",
        lambda it: it.model.header.question,
    ),
    MetaColumn("rows_mean", "VARCHAR", "what one row is", lambda it: it.model.header.grain),
    MetaColumn(
        "parameters",
        "JSON",
        "name, type, default and meaning of each parameter",
        lambda it: _parameters(it.model),
    ),
    MetaColumn(
        "source",
        "VARCHAR",
        "page or tables that it follows",
        lambda it: "; ".join(it.model.header.sources),
    ),
    MetaColumn("status", "VARCHAR", STATUS_MEANING, lambda it: it.result.status),
    MetaColumn("example", "VARCHAR", "a call of it", lambda it: example_call(it.model)),
)

FLOWS = MetaTable[ModelRecord](
    "flows",
    "The flows that can be called as flow.<slug>().",
    (
        MetaColumn(
            "slug", "VARCHAR", "name of the macro in the schema flow", lambda it: it.model.slug
        ),
        MetaColumn(
            "number",
            "BIGINT",
            "number in the list of documented flows; null: a flow of your own",
            lambda it: it.model.header.flow_number,
        ),
        MetaColumn(
            "title",
            "VARCHAR",
            "title of the vendor's page; null: a flow of your own",
            lambda it: it.model.header.flow_title,
        ),
        *_QUESTION_COLUMNS,
    ),
)

METRICS = MetaTable[ModelRecord](
    "metrics",
    "The metrics that can be called as metric.<slug>().",
    (
        MetaColumn(
            "slug", "VARCHAR", "name of the macro in the schema metric", lambda it: it.model.slug
        ),
        *_QUESTION_COLUMNS,
    ),
)

CHECKS = MetaTable[CheckResult](
    "checks",
    "What was checked before this warehouse was published.",
    (
        MetaColumn("check_name", "VARCHAR", "name of the check", lambda it: it.name),
        MetaColumn(
            "severity",
            "VARCHAR",
            "error blocks publication, warn is only recorded",
            lambda it: it.severity,
        ),
        MetaColumn("is_passed", "BOOLEAN", "whether it passed", lambda it: it.passed),
        MetaColumn("violation_count", "BIGINT", "rows that violate it", lambda it: it.violations),
        MetaColumn("detail", "VARCHAR", "the first violations", lambda it: it.detail),
        MetaColumn(
            "reason",
            "VARCHAR",
            "what it reads that the lake does not hold",
            lambda it: it.reason,
        ),
        MetaColumn(
            "last_run_generation",
            "BIGINT",
            "generation that it last ran for, if data changed since; null: this one",
            lambda it: it.last_run_generation,
        ),
    ),
)


def _parameters(model: Model) -> str:
    return json.dumps(
        [
            {
                "name": parameter.name,
                "type": parameter.type,
                "default": parameter.default,
                "meaning": parameter.meaning,
            }
            for parameter in model.header.parameters
        ]
    )
