"""Running a flow, a metric or a plan: texts become typed values, the macro is called, rows come.

A connection, a `Question` and parameters in, rows out; the command line, reports, parity, actions
and notebooks call it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TypeVar

import duckdb
import pyarrow as pa

from octane_flows.errors import UsageError
from octane_flows.models.macro_parameters import Parameter
from octane_flows.questions.catalogue import Question, nearest
from octane_flows.warehouse.duckdb_file import damaged_warehouse, first_line, is_damaged
from octane_flows.warehouse.free_sql import require_finite

Value = str | int | float | bool | date | datetime | None
Number = TypeVar("Number", int, float)
MAX_NUMBER = 2**53  # larger ones are not exact in every engine
LARGEST = 2**31 - 1  # of days, hours and counts: DuckDB has no longer intervals
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "1"), ("false", "no", "0")


def run_question(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    parameters: Mapping[str, Value] | None = None,
    *,
    columns: Sequence[str] = (),
) -> pa.Table:
    """Call the question's macro; parameters that are not given keep their defaults.

    `columns` are the columns of the answer; none: all. Raises UsageError, OctaneFlowsError.
    """
    given = parameters or {}
    with connection.cursor() as cursor, _error_in_one_sentence(question, given):
        # a cursor of its own, because the caller's may hold an unfinished result
        answer = question_relation(cursor, question, given, columns=columns).to_arrow_table()
    require_finite(answer, f"The {question.kind} {question.slug}")
    return answer


def store_answer(
    connection: duckdb.DuckDBPyConnection, question: Question, table: str, macro: str = ""
) -> None:
    """Answer a question with its defaults into a temporary table of this connection, in order.

    `macro`: another one that has the same rows. Raises UsageError, OctaneFlowsError.
    """
    _state(connection, question)  # raises where the warehouse is older than the question
    with _error_in_one_sentence(question, {}):
        answer = f"from {macro or question.name}()"
        connection.execute(f"create or replace temp table {table} as {answer}")


def question_relation(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    parameters: Mapping[str, Value],
    *,
    columns: Sequence[str] = (),
) -> duckdb.DuckDBPyRelation:
    """The macro's rows as a relation, which lives as long as its connection."""
    values = parse_parameters(question, parameters)
    _state(connection, question)  # raises where the warehouse is older than the question
    arguments = ", ".join(f"{name} := ${name}" for name in values)
    sql = f"select {', '.join(columns) or '*'} from {question.name}({arguments})"
    with _error_in_one_sentence(question, values):
        return connection.sql(sql, params=values or None)


@contextmanager
def _error_in_one_sentence(question: Question, values: Mapping[str, Value]) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if is_damaged(error):
            raise damaged_warehouse(error) from error
        arguments = ", ".join(f"{name}={value}" for name, value in values.items())
        raise UsageError(
            f"The {question.kind} {question.slug} could not be run with "
            f"{arguments or 'its defaults'} ({first_line(error)}); correct the parameters, or "
            "build the warehouse again if it is older than this version."
        ) from error


def parse_parameters(question: Question, parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Check names and turn texts into values of the declared types."""
    declared = {parameter.name: parameter for parameter in question.parameters}
    values: dict[str, Value] = {}
    for name, value in parameters.items():
        if name not in declared:
            raise UsageError(
                f"The {question.kind} {question.slug} has no parameter '{name}'; "
                f"{nearest(name, list(declared))}"
            )
        values[name] = parse_value(question.slug, declared[name], value)
    return values


def parse_value(slug: str, parameter: Parameter, value: Value) -> Value:
    """One value in its declared type; None stays null, and nothing written means it too."""
    if value is None:
        return None
    text = str(value).strip()
    if not text and (parameter.type == "text" or parameter.default is None):
        return None
    if parameter.choices and text not in parameter.choices:
        raise UsageError(
            f"The parameter {parameter.name} of {slug} is '{text}'; write one of "
            f"{', '.join(parameter.choices)}."
        )
    for word in text.split(",") if parameter.list_choices else ():
        if word.strip().lower() not in parameter.list_choices:
            raise UsageError(
                f"The parameter {parameter.name} of {slug} names '{word.strip()}'; write some of "
                f"{', '.join(parameter.list_choices)}, with commas between them."
            )
    try:
        if parameter.type == "integer":
            number = _in_range(parameter, int(text))
            if abs(number) > LARGEST:
                raise UsageError(
                    f"The parameter {parameter.name} of {slug} is '{text}'; write a whole number "
                    f"up to {LARGEST:,}."
                )
            return number
        if parameter.type == "number":
            return _in_range(parameter, float(text))
        if parameter.type == "boolean":
            return _boolean(text)
        if parameter.type == "timestamp":
            return _utc_time(text)
        if parameter.type == "date":
            return date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"The parameter {parameter.name} of {slug} is '{text}'; {EXPECTED[parameter.type]}"
        ) from error
    return str(value)


EXPECTED = {
    "integer": "write a whole number from zero on, such as 24.",
    "number": "write a number from zero on, such as 1.5.",
    "boolean": "write true or false.",
    "timestamp": "write a date and time in UTC, such as 2021-01-20T21:00:00Z, or a date.",
    "date": "write a date, such as 2021-01-20.",
}


def _in_range(parameter: Parameter, number: Number) -> Number:
    """The number, which is finite and fits; below zero only where the default is, too."""
    is_signed = parameter.default is not None and parameter.default.startswith("-")
    if not math.isfinite(number) or abs(number) > MAX_NUMBER or (number < 0 and not is_signed):
        raise ValueError(number)
    return number


def _boolean(text: str) -> bool:
    if text.lower() in TRUE_WORDS:
        return True
    if text.lower() in FALSE_WORDS:
        return False
    raise ValueError(text)


def _utc_time(text: str) -> datetime:
    """ISO date or date and time; without a zone it is UTC; the result is naive UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def partial_answer(connection: duckdb.DuckDBPyConnection, question: Question) -> str | None:
    """Why the answer is not the whole truth, as a sentence; None: nothing is known against it.

    The lake does not hold what the question reads, or its answer has several rows with one key.
    """
    status, reason = _state(connection, question)
    if status == "repeated":
        return f"the answer of {question.slug} has several rows with one key: {reason}"
    return f"the answer of {question.slug} is partial: {reason}" if status == "partial" else None


def _state(connection: duckdb.DuckDBPyConnection, question: Question) -> tuple[str, str | None]:
    try:
        with connection.cursor() as cursor:
            rows = cursor.execute(
                "select models.status, models.reason from meta.models as models "
                "where models.model = ?",
                [question.name],
            ).fetchall()
    except duckdb.CatalogException as error:
        raise UsageError(
            "This DuckDB file is no octane-flows warehouse (it has no meta.models); "
            "open the one that 'octane-flows build' writes."
        ) from error
    if not rows:
        raise UsageError(
            f"The warehouse is older than the {question.kind} {question.slug}; "
            "run 'octane-flows build'."
        )
    status, reason = rows[0]
    return status, reason
