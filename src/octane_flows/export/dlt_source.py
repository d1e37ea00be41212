"""The warehouse as a source of dlt: Arrow tables with their keys, for those who load with dlt.

A data folder and the names of tables and questions in, a dlt source out; pipelines of users call
it. It needs the extra `dlt`. All tables of a source are of the generation that it was made from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb
import pyarrow as pa

from octane_flows.errors import UsageError
from octane_flows.models.sql_text import quoted
from octane_flows.questions import Question, Value, question_named, question_relation
from octane_flows.warehouse import connect, table_relation

if TYPE_CHECKING:
    from dlt.extract import DltResource, DltSource

SCHEMAS = ("er", "past")
KEYS = "select models.model, models.key_columns from meta.models as models"
TABLES = """
select distinct columns.schema_name || '.' || columns.table_name as name
from duckdb_columns() as columns
where list_contains($schemas, columns.schema_name)
order by name
"""
Disposition = Literal["merge", "replace"]
Answers = Mapping[str, Mapping[str, Value]]


def dlt_source(
    home: str | PathLike[str],
    *,
    tables: Sequence[str] | None = None,
    questions: Answers | None = None,
    disposition: Disposition = "merge",
) -> DltSource:
    """Tables of the warehouse (None: all of `er` and `past`), and answers of questions.

    `questions` has parameters by name, as in {"metric.flaky_tests": {"days": 30}}. A table with a
    key is merged by it, or replaced, which also removes what was deleted in Octane; answers and
    tables without a key are replaced. Raises UsageError, LakeError.
    """
    try:
        import dlt
    except ImportError:
        raise UsageError(
            "A source of dlt needs dlt; install it with pip install 'octane-flows[dlt]'."
        ) from None
    connection = connect(Path(home).expanduser())
    keys = {model: list(key or ()) for model, key in connection.execute(KEYS).fetchall()}
    if tables is None:
        rows = connection.execute(TABLES, {"schemas": list(SCHEMAS)}).fetchall()
        tables = [name for (name,) in rows]
    resources = [
        _resource(name, _read_table(connection, name, key), key, disposition)
        for name, key in ((name, keys.get(name, [])) for name in tables)
    ]
    for name, parameters in (questions or {}).items():
        answer = _read_answer(connection, _question(name), parameters)
        resources.append(_resource(name, answer, [], "replace"))
    return dlt.source(lambda: resources, name="octane")()


def _resource(
    name: str, rows: Iterator[pa.Table], key: list[str], disposition: Disposition
) -> DltResource:
    import dlt

    return dlt.resource(
        rows,
        name=name.replace(".", "_"),
        primary_key=key or None,
        write_disposition=disposition if key else "replace",
    )


def _question(name: str) -> Question:
    kind, _, slug = name.partition(".")
    if kind == "flow":
        return question_named("flow", slug)
    if kind == "metric":
        return question_named("metric", slug)
    raise UsageError(
        f"'{name}' is no flow or metric; write one with its kind, such as metric.flaky_tests."
    )


def _read_table(
    connection: duckdb.DuckDBPyConnection, name: str, key: Collection[str]
) -> Iterator[pa.Table]:
    table_relation(connection, name)  # raises for a name that there is not
    schema, _, table = name.partition(".")
    sql = f"select * from {quoted(schema)}.{quoted(table)}"

    def batches() -> Iterator[pa.Table]:
        with connection.cursor() as cursor, cursor.sql(sql).to_arrow_reader() as reader:
            # dlt declares columns of a key as never null
            schema = pa.schema([each.with_nullable(each.name not in key) for each in reader.schema])
            for batch in reader:
                yield pa.Table.from_arrays(batch.columns, schema=schema)

    return batches()


def _read_answer(
    connection: duckdb.DuckDBPyConnection, question: Question, parameters: Mapping[str, Value]
) -> Iterator[pa.Table]:
    question_relation(connection, question, parameters)  # raises for a wrong parameter

    def batches() -> Iterator[pa.Table]:
        with connection.cursor() as cursor:
            yield question_relation(cursor, question, parameters).to_arrow_table()

    return batches()
