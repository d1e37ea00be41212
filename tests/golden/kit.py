"""Warehouses of a few rows for tests: given CSV files in, a connection or a lake out.

The golden tests and the warehouse tests call it. Names and types of columns are those of the
warehouse's contract.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from octane_flows.lake import CertificateRow, ColumnEntry, Draft, Lake, Manifest, TableEntry
from octane_flows.models.sql_text import quoted
from octane_flows.warehouse import create_models, create_schemas, load_models, open_file
from octane_flows.warehouse.build_report import ModelResult
from octane_flows.warehouse.meta.create_meta import record_models
from octane_flows.warehouse.meta.meta_tables import create_tables, insert
from octane_flows.warehouse.model_creation import create_functions
from octane_flows.warehouse.octane_contract import (
    LINK_COLUMNS,
    OWN_COLUMNS,
    contract_entry,
    contract_tables,
)
from octane_flows.warehouse.phase_versions import COLUMNS, TABLE, create_versions
from octane_flows.warehouse.user_defined_values import create_user_defined_values

HERE = Path(__file__).parent
VERSIONS = TABLE.partition(".")[2]
AS_OF = datetime(2021, 1, 20, 21, tzinfo=UTC)
WORKSPACES = ("1002", "1003", "1004")  # all with the same signed-in user
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
        tuple(
            ColumnEntry(name, kind, None, None, None)
            for name, kind in {**LINK_COLUMNS, **OWN_COLUMNS}.items()
        ),
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
    found = dict(tables())
    for entry in USER_DEFINED:
        columns = {column.name: column.type for column in entry.columns}
        found[entry.name] = {**found.get(entry.name, {}), **columns}
    found[VERSIONS] = {name: kind for name, kind, _ in COLUMNS}
    return found


def table_of(name: str) -> str:
    """The table that a CSV file's name means."""
    return TABLE if name == VERSIONS else f"octane.{name}"


def open_empty(as_of: datetime = AS_OF) -> duckdb.DuckDBPyConnection:
    """An in-memory warehouse without rows, with all models."""
    connection = open_file(Path(":memory:"), read_only=False)
    create_schemas(connection)
    create_tables(connection)
    create_versions(connection)
    moment = as_of.replace(tzinfo=None)
    generation = (1, None, moment, moment, "http://127.0.0.1", "1", "1001", "{}", "1", "me")
    insert(connection, "generation", [generation])
    insert(connection, "workspaces", [(id, moment, "1", "me") for id in WORKSPACES])
    create_functions(connection, "http://127.0.0.1", "1001")
    for name, columns in golden_tables().items():
        if table_of(name) == TABLE:
            continue
        body = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
        connection.execute(f"create table octane.{name} ({body})")
    create_user_defined_values(connection, USER_DEFINED)
    # as views, because the rows of a case come after the models
    models = [model.as_view() for model in load_models()]
    results: list[ModelResult] = create_models(connection, models)
    record_models(connection, models, results)
    return connection


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file without the column that says why a row is there."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, strict=True))
    return [{name: text for name, text in row.items() if name != "_why"} for row in rows]


@contextmanager
def given_rows(connection: duckdb.DuckDBPyConnection, given: Path) -> Iterator[None]:
    """Hold the rows of a folder of CSV files for a while; each file is named like its table."""
    paths = sorted(given.glob("*.csv"))
    try:
        for path in paths:
            fill(connection, path, golden_tables()[path.stem])
        yield
    finally:
        for path in paths:
            connection.execute(f"delete from {table_of(path.stem)}")


TWIN = "-twin"


def add_twins(connection: duckdb.DuckDBPyConnection, given: Path, *, without: str) -> None:
    """Give each workspace a second one with the same ids in it, but no rows of one table."""
    for path in sorted(given.glob("*.csv")):
        if path.stem != without:
            connection.execute(
                f"insert into {table_of(path.stem)} select * replace "
                f"(_workspace_id || '{TWIN}' as _workspace_id) from {table_of(path.stem)}"
            )


def keep_twins(connection: duckdb.DuckDBPyConnection, given: Path) -> None:
    """Delete the workspaces that have twins."""
    for path in sorted(given.glob("*.csv")):
        connection.execute(
            f"delete from {table_of(path.stem)} where not ends_with(_workspace_id, '{TWIN}')"
        )


def twin_of(workspace_id: str) -> str:
    """The id of a workspace's twin."""
    return workspace_id + TWIN


def is_twin(workspace_id: str) -> bool:
    """Whether `add_twins` made this workspace."""
    return workspace_id.endswith(TWIN)


def fill(connection: duckdb.DuckDBPyConnection, path: Path, columns: dict[str, str]) -> None:
    """Insert rows by name; an empty cell is null."""
    for row in read_csv(path):
        unknown = set(row) - set(columns)
        assert not unknown, f"{path} has columns that {path.stem} lacks: {sorted(unknown)}"
        given = {name: text for name, text in row.items() if text != ""}
        names = ", ".join(quoted(name) for name in given)
        marks = ", ".join("?" for _ in given)
        connection.execute(
            f"insert into {table_of(path.stem)} ({names}) values ({marks})", list(given.values())
        )


def write_lake(
    home: Path,
    rows: dict[str, list[dict[str, Any]]],
    *,
    certificate: list[CertificateRow] | None = None,
    without: tuple[str, ...] = (),
    restart: tuple[str, ...] = (),
    as_of: datetime = AS_OF,
    lake: Lake | None = None,
) -> Manifest:
    """Publish a generation that adds these rows to those of the former one.

    `without` names tables, or columns as table.column, that the server does not list; `restart`
    those whose former files are dropped, as a full extract does.
    """
    lake = lake or Lake(home / "lake")
    draft = Draft(lake)
    former = draft.parent.tables if draft.parent else {}
    published: dict[str, TableEntry] = {}
    for name, columns in tables().items():
        if name in without:
            continue
        files = list(former[name].files) if name in former and name not in restart else []
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
        held = [column for column in columns if f"{name}.{column}" not in without]
        published[name] = dataclasses.replace(contract_entry(name, held), files=tuple(files))
    return draft.publish(
        as_of=as_of,
        server_url="http://127.0.0.1",
        server_version="24.4",
        shared_space="1001",
        tables=published,
        states={},
        fields=[],
        certificate=certificate or [],
        schema_changes=[],
        politeness={"requests": 3},
        findings=[],
    )
