"""Warehouses of a few rows for tests: given rows in, a connection or a lake out.

The golden tests and the warehouse tests call it. Names and types of columns are those of the
warehouse's contract.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from octane_flows.lake import (
    CertificateRow,
    ColumnEntry,
    Draft,
    FieldEntry,
    Lake,
    Manifest,
    TableEntry,
)
from octane_flows.lake.key_columns import LINK_KEYS, OWN_COLUMNS
from octane_flows.models import Model
from octane_flows.models.sql_text import quoted
from octane_flows.warehouse import create_models, create_schemas, load_models, open_file
from octane_flows.warehouse.build_report import ModelResult
from octane_flows.warehouse.meta.create_meta import record_models
from octane_flows.warehouse.meta.generation_tables import GENERATION
from octane_flows.warehouse.meta.generation_tables import WORKSPACES as WORKSPACE_TABLE
from octane_flows.warehouse.meta.meta_tables import create_tables
from octane_flows.warehouse.model_creation import create_functions
from octane_flows.warehouse.octane_contract import (
    contract_entry,
    contract_tables,
)
from octane_flows.warehouse.phase_versions import COLUMNS, TABLE, create_versions
from octane_flows.warehouse.user_defined_values import create_user_defined_values
from tests.golden.pages import Tables, without_reasons

VERSIONS = TABLE.partition(".")[2]
AS_OF = datetime(2021, 1, 20, 21, tzinfo=UTC)
WORKSPACES = ("1002", "1003", "1004")
EVES_WORKSPACE = "1004"  # in the others it is `me` who signed in to extract
ARROW = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP": pa.timestamp("us"),
}


USER_DEFINED = (
    TableEntry(
        "defect",
        "entity",
        "defect",
        None,
        "Defect",
        (
            ColumnEntry("name", "VARCHAR", "name", "string", "Name"),
            ColumnEntry(
                "post_release_udf", "BOOLEAN", "post_release_udf", "boolean", "Post Release"
            ),
            ColumnEntry("costs_udf", "BIGINT", "costs_udf", "integer", "Costs"),
            ColumnEntry("seen_udf", "TIMESTAMP", "seen_udf", "date_time", "Seen on"),
            ColumnEntry("found_by_udf_id", "VARCHAR", "found_by_udf", "reference", "Found by: id"),
            ColumnEntry(
                "found_by_udf_type", "VARCHAR", "found_by_udf", "reference", "Found by: entity type"
            ),
        ),
        (),
    ),
    TableEntry(
        "defect__browsers_udf",
        "link",
        "defect",
        "browsers_udf",
        "Defect: Browsers",
        (*LINK_KEYS, *OWN_COLUMNS),
        (),
    ),
)


@cache
def tables() -> dict[str, dict[str, str]]:
    """Columns with types of every table that a model reads."""
    read = sorted({table for model in load_models() for table in model.reads})
    return {name: dict(contract_tables()[name]) for name in read}


@cache
def golden_tables() -> dict[str, dict[str, str]]:
    """Those tables with the user-defined fields that the golden cases have."""
    columns_by_table = dict(tables())
    for entry in USER_DEFINED:
        columns = {column.name: column.type for column in entry.columns}
        columns_by_table[entry.name] = {**columns_by_table.get(entry.name, {}), **columns}
    columns_by_table[VERSIONS] = {name: kind for name, kind, _ in COLUMNS}
    return columns_by_table


def table_of(name: str) -> str:
    """The table that the name of a given table means."""
    return TABLE if name == VERSIONS else f"octane.{name}"


def open_empty(as_of: datetime = AS_OF) -> duckdb.DuckDBPyConnection:
    """An in-memory warehouse without rows, with all models as views: rows may come after them."""
    connection = _open_with_tables(as_of, WORKSPACES)
    _create_models(connection, [model.as_view() for model in load_models()])
    return connection


def open_filled(given: Tables, workspaces: Iterable[str]) -> duckdb.DuckDBPyConnection:
    """An in-memory warehouse with these rows, with every `er` model as a table."""
    connection = _open_with_tables(AS_OF, workspaces)
    connection.execute("set threads = 1")  # of a few rows each, which more threads only wait for
    fill(connection, given)
    models = [
        dataclasses.replace(model, header=dataclasses.replace(model.header, is_stored=True))
        for model in load_models()
    ]
    _create_models(connection, models)
    return connection


def _open_with_tables(as_of: datetime, workspaces: Iterable[str]) -> duckdb.DuckDBPyConnection:
    connection = open_file(Path(":memory:"), read_only=False)
    create_schemas(connection)
    create_tables(connection)
    create_versions(connection)
    moment = as_of.replace(tzinfo=None)
    generation = (1, None, moment, moment, "http://127.0.0.1", "1", "1001", "{}", "1", "me")
    GENERATION.insert(connection, [generation])
    WORKSPACE_TABLE.insert(
        connection, [(id, None, moment, "1", _signed_in(id)) for id in workspaces]
    )
    create_functions(connection, "http://127.0.0.1", "1001")
    for name, columns in golden_tables().items():
        if table_of(name) == TABLE:
            continue
        body = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        connection.execute(f"create table octane.{name} ({body})")
    create_user_defined_values(connection, USER_DEFINED)
    return connection


def _signed_in(workspace: str) -> str:
    return "eve" if workspace.endswith(EVES_WORKSPACE) else "me"


def _create_models(connection: duckdb.DuckDBPyConnection, models: list[Model]) -> None:
    results: list[ModelResult] = create_models(connection, models)
    lacking = [f"{result.name}: {result.reason}" for result in results if result.reason]
    assert not lacking, "; ".join(lacking)
    record_models(connection, models, results)


@contextmanager
def given_rows(connection: duckdb.DuckDBPyConnection, given: Tables) -> Iterator[None]:
    """The given rows of a case in a warehouse whose models are views, for a while."""
    try:
        fill(connection, given)
        yield
    finally:
        for name in given:
            connection.execute(f"delete from {table_of(name)}")


def fill(connection: duckdb.DuckDBPyConnection, given: Tables) -> None:
    """Insert the given rows of each table."""
    for name, rows in given.items():
        connection.register("given_rows", typed(name, without_reasons(rows)))
        connection.execute(f"insert into {table_of(name)} by name select * from given_rows")
        connection.unregister("given_rows")


def typed(name: str, rows: Iterable[Mapping[str, str | None]]) -> pa.Table:
    """Rows of texts in the types of the table's columns."""
    rows, columns = list(rows), golden_tables()[name]
    unknown = {column for row in rows for column in row} - set(columns)
    assert not unknown, f"the table {name} of a golden case has unknown columns: {sorted(unknown)}"
    return pa.table(
        {
            column: pa.array([row.get(column) for row in rows], pa.string()).cast(ARROW[kind])
            for column, kind in columns.items()
        }
    )


def write_lake(
    home: Path,
    rows: dict[str, list[dict[str, Any]]],
    *,
    certificate: list[CertificateRow] | None = None,
    fields: Sequence[FieldEntry] = (),
    without: tuple[str, ...] = (),
    restart: tuple[str, ...] = (),
    as_of: datetime = AS_OF,
    lake: Lake | None = None,
) -> Manifest:
    """Publish a generation that adds these rows to those of the current one.

    `without` names tables, or columns as table.column, that the server does not list; `restart`
    those whose current files are dropped, as a full extract does.
    """
    lake = lake or Lake(home / "lake")
    draft = Draft(lake)
    current = draft.parent.tables if draft.parent else {}
    published: dict[str, TableEntry] = {}
    for name, columns in tables().items():
        if name in without:
            continue
        files = list(current[name].files) if name in current and name not in restart else []
        if rows.get(name):
            schema = pa.schema([(column, ARROW[kind]) for column, kind in columns.items()])
            writer = draft.writer(name, schema, workspace="1002")
            own = {
                "_workspace_id": "1002",
                "_generation": draft.generation,
                "_extracted_at": as_of.replace(tzinfo=None),
                "_deleted": False,
            }
            full = [{**dict.fromkeys(columns), **own, **row} for row in rows[name]]
            writer.write(pa.Table.from_pylist(full, schema=schema))
            file = writer.close()
            files += [file] if file else []
        listed = [column for column in columns if f"{name}.{column}" not in without]
        published[name] = dataclasses.replace(contract_entry(name, listed), files=tuple(files))
    return draft.publish(
        as_of=as_of,
        server_url="http://127.0.0.1",
        server_version="24.4",
        shared_space="1001",
        tables=published,
        states={},
        fields=list(fields),
        certificate=certificate or [],
        schema_changes=[],
        politeness={"requests": 3},
        findings=[],
    )
