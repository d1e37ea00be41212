"""Running a flow or metric: texts become typed values, the macro is called, rows come back.

A connection, a slug and parameters in; the command line, reports and notebooks call it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa

from octane_flows.errors import OctaneFlowsError, UsageError
from octane_flows.models.header import Parameter
from octane_flows.questions.catalogue import Metric, flow_named, metric_named, nearest
from octane_flows.warehouse.duckdb_file import first_line

Value = str | int | float | bool | date | datetime | None
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


def run_flow(
    connection: duckdb.DuckDBPyConnection, slug: str, params: Mapping[str, Value] | None = None
) -> pa.Table:
    """Call `flow.<slug>()`; parameters that are not given keep their defaults."""
    return run_query(connection, flow_named(slug), params or {})


def run_metric(
    connection: duckdb.DuckDBPyConnection, slug: str, params: Mapping[str, Value] | None = None
) -> pa.Table:
    """Call `metric.<slug>()`; parameters that are not given keep their defaults."""
    return run_query(connection, metric_named(slug), params or {})


def run_query(
    connection: duckdb.DuckDBPyConnection,
    asked: Metric,
    params: Mapping[str, Value],
    *,
    columns: Sequence[str] = (),
) -> pa.Table:
    """Call the macro of a flow or metric; `columns` are those wanted, none: all."""
    with connection.cursor() as cursor, _one_sentence(asked, params):
        # a cursor of its own, because the caller's may hold an unfinished result
        return relation_of(cursor, asked, params, columns=columns).to_arrow_table()


def relation_of(
    connection: duckdb.DuckDBPyConnection,
    asked: Metric,
    params: Mapping[str, Value],
    *,
    columns: Sequence[str] = (),
) -> duckdb.DuckDBPyRelation:
    """The macro's rows as a relation, which lives as long as its connection."""
    values = parse_parameters(asked, params)
    _require_available(connection, asked)
    named = ", ".join(f"{name} := ${name}" for name in values)
    sql = f"select {', '.join(columns) or '*'} from {asked.name}({named})"
    with _one_sentence(asked, values):
        return connection.sql(sql, params=values or None)


@contextmanager
def _one_sentence(asked: Metric, values: Mapping[str, Value]) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise UsageError(
            f"The {asked.schema} {asked.slug} could not be run with {_shown(values)} "
            f"({first_line(error)}); correct the parameters, or build the warehouse again if it "
            "is older than this version."
        ) from error


def parse_parameters(asked: Metric, params: Mapping[str, Value]) -> dict[str, Value]:
    """Check names and turn texts into values of the declared types."""
    known = {parameter.name: parameter for parameter in asked.parameters}
    values: dict[str, Value] = {}
    for name, value in params.items():
        if name not in known:
            raise UsageError(
                f"The {asked.schema} {asked.slug} has no parameter '{name}'; "
                f"{nearest(name, list(known))}"
            )
        values[name] = parse_value(asked.slug, known[name], value)
    return values


def parse_value(slug: str, parameter: Parameter, value: Value) -> Value:
    """One value in its declared type; None stays null, and nothing written means it too."""
    if value is None:
        return None
    text = str(value).strip()
    if not text and (parameter.type == "text" or parameter.default is None):
        return None
    try:
        if parameter.type == "integer":
            return int(text)
        if parameter.type == "number":
            return float(text)
        if parameter.type == "boolean":
            return _boolean(text)
        if parameter.type == "timestamp":
            return _moment(text)
        if parameter.type == "date":
            return date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"The parameter {parameter.name} of {slug} is '{text}'; {EXPECTED[parameter.type]}"
        ) from error
    return str(value)


EXPECTED = {
    "integer": "write a whole number, such as 24.",
    "number": "write a number, such as 1.5.",
    "boolean": "write true or false.",
    "timestamp": "write a date and time in UTC, such as 2021-01-20T21:00:00Z, or a date.",
    "date": "write a date, such as 2021-01-20.",
}


def _boolean(text: str) -> bool:
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ValueError(text)


def _moment(text: str) -> datetime:
    """ISO date or date and time; without a zone it is UTC; the result is naive UTC."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def missing_of(connection: duckdb.DuckDBPyConnection, asked: Metric) -> str | None:
    """What a flow or metric reads that the lake lacks, as a sentence; None when it has all."""
    status, reason = _state(connection, asked)
    return f"the answer of {asked.slug} is partial: {reason}" if status == "partial" else None


def _require_available(connection: duckdb.DuckDBPyConnection, asked: Metric) -> None:
    status, reason = _state(connection, asked)
    if status == "unavailable":
        raise OctaneFlowsError(
            f"The {asked.schema} {asked.slug} cannot be answered from this server: {reason}; "
            "ask for a role that may read it, then extract and build again."
        )


def _state(connection: duckdb.DuckDBPyConnection, asked: Metric) -> tuple[str, str | None]:
    try:
        with connection.cursor() as cursor:
            rows = cursor.execute(
                "select models.status, models.reason from meta.models as models "
                "where models.model = ?",
                [asked.name],
            ).fetchall()
    except duckdb.CatalogException as error:
        raise UsageError(
            "This DuckDB file is no octane-flows warehouse (it has no meta.models); "
            "open the one that 'octane-flows build' writes."
        ) from error
    if not rows:
        raise UsageError(
            f"The warehouse is older than the {asked.schema} {asked.slug}; "
            "run 'octane-flows build'."
        )
    status, reason = rows[0]
    return status, reason


def _shown(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "its defaults"
