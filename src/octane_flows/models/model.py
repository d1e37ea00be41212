"""The SQL models: every file of `sql/` read, its dependencies parsed, all in an order to build.

A folder in, `Model` records out; the warehouse, the questions and Dagster's assets call it.
Dependencies come from DuckDB's own parser, so nobody keeps a list by hand.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from octane_flows.errors import ModelError
from octane_flows.models.documented_columns import Column, parse_columns
from octane_flows.models.header import Header, parse_header
from octane_flows.models.read_columns import read_columns
from octane_flows.models.sql_folder import read_sql, sql_folder
from octane_flows.models.syntax_tree import (
    Node,
    called_function,
    column_path,
    common_tables,
    nodes,
    parse_sql,
    table_reference,
)

SCHEMAS = ("er", "flow", "metric", "plan", "check")
#: The table that a shared function reads: a model that calls the function reads it too.
FUNCTION_SOURCES = {"er.as_of": "meta.generation"}
# what a model of each schema may read; files are read by the loader alone
READABLE = {
    "er": ("octane", "past", "er", "meta"),
    "flow": ("er", "flow", "meta"),
    "metric": ("er", "metric", "meta"),
    "plan": ("er", "flow", "metric", "meta"),
    "check": ("octane", "er", "flow", "metric", "meta"),
}
#: Names of DuckDB's functions that read files.
FILE_FUNCTION = re.compile(r"^read_|scan|^glob$")


@dataclass(frozen=True)
class Model:
    """One SQL file: where it stands, what it says about itself, what it reads.

    `reads` holds the columns read of each `octane` table, as far as they are written table.column;
    `tree` is DuckDB's syntax tree.
    """

    schema: str
    slug: str
    header: Header
    columns: tuple[Column, ...]
    sql: str
    sources: tuple[str, ...]
    reads: Mapping[str, frozenset[str]]
    where: str
    tree: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The qualified name, as in `er.tests`."""
        return f"{self.schema}.{self.slug}"

    def as_view(self) -> Model:
        """The model as a view, also if it is stored: for rows that come after the models."""
        return replace(self, header=replace(self.header, is_stored=False))


def load_models(folder: Path | None = None) -> list[Model]:
    """Read all models, those that others read first; ties in name order."""
    root = folder or sql_folder()
    if folder is None:
        return list(_cached_models(root))
    return _read_models(root)


@cache
def _cached_models(root: Path) -> tuple[Model, ...]:
    return tuple(_read_models(root))


def _read_models(root: Path) -> list[Model]:
    connection = duckdb.connect(":memory:")
    try:
        models = [
            read_model(path, schema, connection)
            for schema in SCHEMAS
            for path in sorted((root / schema).glob("*.sql"))
        ]
    finally:
        connection.close()
    if not models:
        raise ModelError(f"The folder {root} holds no SQL models; install octane-flows again.")
    _check_targets(models)
    return in_order(models)


def _check_targets(models: Collection[Model]) -> None:
    """Raise a `ModelError` for a relation to a table or column that no model has."""
    columns = {model.name: {column.name for column in model.columns} for model in models}
    for model in models:
        for relation in model.header.relations:
            if relation.target_column not in columns.get(relation.target, set()):
                raise ModelError(
                    f"{model.where}:1: the relation of '{relation.column}' leads to "
                    f"{relation.target}.{relation.target_column}, which does not exist; correct "
                    "'-- relation:'."
                )


def read_model(path: Path, schema: str, connection: duckdb.DuckDBPyConnection) -> Model:
    """Read one file; every fault is a `ModelError` that begins with file and line."""
    where = f"sql/{schema}/{path.name}"
    text = read_sql(path, where)
    header = parse_header(text, schema=schema, where=where)
    sql = text.strip().removesuffix(";")
    tree = parse_sql(sql, where, connection)
    every_node = list(nodes(tree))
    _check_parameters(header, every_node, where)
    model = Model(
        schema=schema,
        slug=path.stem,
        header=header,
        columns=parse_columns(sql, where=where),
        sql=sql,
        sources=tuple(sorted(_sources(every_node, schema, where))),
        reads=read_columns(tree),
        where=where,
        tree=tree,
    )
    _check_names(model)
    return model


def _sources(every_node: Sequence[Node], schema: str, where: str) -> set[str]:
    """Qualified names of the tables and macros read; common tables are left out."""
    common = {table.name for node in every_node for table in common_tables(node)}
    sources: set[str] = set()
    for node in every_node:
        function = called_function(node)
        if function in FUNCTION_SOURCES:
            sources.add(FUNCTION_SOURCES[function])
        table = table_reference(node)
        if table is None:
            continue
        if table.is_call and FILE_FUNCTION.search(table.name):
            raise ModelError(f"{where}:1: models read tables, never files; remove {table.name}().")
        if not table.schema:
            if table.is_call or table.name in common:
                continue
            raise ModelError(
                f"{where}:1: the table '{table.name}' is written without its schema; "
                "write schema.table."
            )
        _check_readable(schema, table.schema, table.name, where)
        sources.add(table.qualified_name)
    return sources


def _unqualified_columns(every_node: Sequence[Node]) -> Iterator[str]:
    for node in every_node:
        path = column_path(node)
        if path is not None and len(path) == 1:
            yield path[0]


def _check_readable(schema: str, source_schema: str, table: str, where: str) -> None:
    if source_schema not in READABLE[schema]:
        raise ModelError(
            f"{where}:1: a {schema} model may not read {source_schema}.{table}; "
            f"it reads {' and '.join(READABLE[schema])}."
        )


def _check_parameters(header: Header, every_node: Sequence[Node], where: str) -> None:
    used = {node["identifier"] for node in every_node if node.get("class") == "PARAMETER"}
    declared = {parameter.name for parameter in header.parameters}
    for name in sorted(used - declared):
        raise ModelError(
            f"{where}:1: ${name} is used but not declared; "
            f"add '-- param: {name} type = default -- meaning' to the header."
        )
    for name in sorted(declared - used):
        raise ModelError(f"{where}:1: the parameter {name} is declared but ${name} is not used.")
    for name in sorted(set(_unqualified_columns(every_node)) & declared):
        raise ModelError(
            f"{where}:1: the column '{name}' has the name of a parameter and no table before it, "
            f"so a macro would take the parameter; write table.{name}."
        )


def _check_names(model: Model) -> None:
    names = {column.name for column in model.columns}
    for part in model.header.key:
        if part not in names:
            raise ModelError(
                f"{model.where}:1: the key column '{part}' is not in the final select; "
                "add it or correct '-- key:'."
            )
    for relation in model.header.relations:
        if relation.column not in names:
            raise ModelError(
                f"{model.where}:1: the relation's column '{relation.column}' is not in the final "
                "select; add it or correct '-- relation:'."
            )


def in_order(models: Iterable[Model]) -> list[Model]:
    """Sort so that every model comes after those it reads."""
    by_name = {model.name: model for model in models}
    sorter = TopologicalSorter(
        {
            name: sorted(source for source in model.sources if source in by_name)
            for name, model in sorted(by_name.items())
        }
    )
    for model in by_name.values():
        for source in model.sources:
            if source.split(".")[0] in ("er", "flow", "metric") and source not in by_name:
                raise ModelError(
                    f"{model.where}:1: {source} is read but there is no "
                    f"sql/{source.replace('.', '/')}.sql; add the file or correct the name."
                )
    try:
        names = list(sorter.static_order())
    except CycleError as error:
        raise ModelError(
            f"The SQL models read one another in a circle ({' -> '.join(error.args[1])}); "
            "cut one of these links."
        ) from error
    return [by_name[name] for name in names]
