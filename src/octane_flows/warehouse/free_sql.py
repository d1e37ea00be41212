"""Tables and free SQL of an opened warehouse; a mistake becomes one sentence.

A connection and a name or SQL in, a DuckDB relation or rows out; the command line and `api` call
it. Whoever shows answers to others reads by `restricted_rows`: one select, and no file but those
of the warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from octane_flows.errors import LakeError, UsageError
from octane_flows.models.sql_text import literal
from octane_flows.warehouse.duckdb_file import damaged_warehouse, first_line, is_damaged
from octane_flows.warehouse.octane_history import damaged_history

#: What a macro's schema is called on the command line.
QUESTION_SCHEMAS = ("flow", "metric", "plan")
#: All rows of an answer lie in memory. Twelve million rows of ten numbers have so many bytes.
MAX_ANSWER_BYTES = 1 << 30
#: What DuckDB calls the faults of a file that is damaged or gone.
DAMAGES = ("IO Error", "Invalid Input Error", "HTTP Error")
RESTRICTIONS = (
    "set enable_external_access = false",  # no read_text, no copy, no attach, no extension
    "set python_enable_replacements = false",  # no variable of this program as a table
    "set lock_configuration = true",
)


def sql_relation(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None
) -> duckdb.DuckDBPyRelation:
    """What a user's SQL gives; a statement without rows gives an empty relation."""
    try:
        relation = connection.sql(sql, params=dict(parameters) if parameters else None)
    except duckdb.Error as error:
        raise _refused(error) from None
    return relation if relation is not None else connection.sql("select 1 as nothing where false")


def restrict(connection: duckdb.DuckDBPyConnection, files: Iterable[str] = ()) -> None:
    """Let a connection read its database, and of all files only `files`, from now on.

    The connection stays as the first call restricted it.
    """
    [(is_restricted,)] = connection.execute(
        "select current_setting('lock_configuration')"
    ).fetchall()
    if not is_restricted:
        paths = ", ".join(literal(path) for path in files)
        connection.execute(f"set allowed_paths = [{paths}]")
        for statement in RESTRICTIONS:
            connection.execute(statement)


def restricted_rows(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    files: Iterable[str] = (),
    *,
    reading: Callable[[duckdb.DuckDBPyRelation], pa.Table] | None = None,
) -> pa.Table:
    """The rows of one select that reads the warehouse, and of other files only `files`.

    `reading` takes the rows from the relation; None: all of them, within MAX_ANSWER_BYTES. The
    connection stays as the first call restricted it. Raises UsageError, LakeError.
    """
    _require_one_select(sql)
    paths = list(files)
    restrict(connection, paths)
    try:
        relation = connection.sql(sql)
        answer = pa.table({}) if relation is None else (reading or _bounded_table)(relation)
    except duckdb.PermissionException as error:
        raise UsageError(
            f"A query reads the warehouse and no files ({first_line(error)}); load other data in "
            "Python, with octane_flows.open()."
        ) from None
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.HTTPException) as error:
        if not paths:
            raise _refused(error) from None
        raise damaged_history(error) from None
    except OSError as error:  # so Arrow passes on what DuckDB meets behind the first rows
        if not paths or not str(error).startswith(DAMAGES):
            raise _refused(error) from None
        raise damaged_history(error) from None
    except duckdb.Error as error:
        raise _refused(error) from None
    require_finite(answer, "The query")
    return answer


def _bounded_table(relation: duckdb.DuckDBPyRelation) -> pa.Table:
    """All rows of a relation. Raises UsageError when they are more than `MAX_ANSWER_BYTES`."""
    batches: list[pa.RecordBatch] = []
    size = 0
    with relation.to_arrow_reader() as reader:
        for batch in reader:
            size += batch.nbytes
            if size > MAX_ANSWER_BYTES:
                raise UsageError(
                    f"The query gives more than {MAX_ANSWER_BYTES >> 20:,} MB; add a limit or a "
                    "where, name fewer columns, or let SQL count and sum."
                )
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)


def require_finite(answer: pa.Table, subject: str) -> None:
    """Raise a UsageError where a calculation left the range of numbers: infinity, not a number."""
    for name, column in zip(answer.column_names, answer.columns, strict=True):
        is_number = pa.types.is_floating(column.type)
        if is_number and pc.all(pc.is_finite(column)).as_py() is False:
            raise UsageError(
                f"{subject} gives values in the column {name} that are infinite or no number; "
                "use smaller numbers, and do not divide by zero."
            )


def _require_one_select(sql: str) -> None:
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _refused(error) from None
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        kinds = ", ".join(statement.type.name.lower() for statement in statements) or "nothing"
        raise UsageError(f"A query is one select; this is {kinds}. Write a single select.")


def _refused(error: Exception) -> UsageError | LakeError:
    if is_damaged(error):
        return damaged_warehouse(error)
    first = str(error).split("\n\n", 1)[0].replace("\n", " ")
    return UsageError(f"The warehouse did not accept this SQL: {first}")


def table_relation(connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
    """All rows of `schema.table`. Raises UsageError with the nearest names."""
    schema, dot, table = name.partition(".")
    if schema in QUESTION_SCHEMAS and dot:
        raise UsageError(
            f"{name} is a question and no table; ask it with 'octane-flows {schema} {table}'."
        )
    tables = connection.execute(
        "select distinct schema_name, table_name from duckdb_columns() "
        "where schema_name in (select schema_name from duckdb_schemas() where not internal) "
        "order by all"
    ).fetchall()
    if not dot and name in QUESTION_SCHEMAS:
        raise UsageError(f"{name} is no table; list what can be asked with 'octane-flows {name}s'.")
    of_schema = [f"{own}.{other}" for own, other in tables if own == schema]
    if not dot and of_schema:
        raise UsageError(f"{name} is a schema; name one of its tables: {', '.join(of_schema)}.")
    if not dot:
        near = [f"{own}.{other}" for own, other in tables if other in (name, f"{name}s")]
        near = near or [f"er.{name}", f"octane.{name}"]
        raise UsageError(f"Name the schema too, such as {' or '.join(near)}.")
    if (schema, table) not in tables:
        near = of_schema or [f"{own}.{other}" for own, other in tables if other == table]
        text = ", ".join(near[:8]) or "octane.*, er.*, meta.*"
        raise UsageError(f"There is no table {name} in the warehouse; there are {text}.")
    return connection.sql(f'select * from "{schema}"."{table}"')  # both names exist
