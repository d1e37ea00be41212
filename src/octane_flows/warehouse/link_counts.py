"""How many rows hold a reference, for every relation of the `er` models and user-defined field.

An open warehouse with its models in, counts by relation out; `warehouse_build` calls it for
`meta.relations`. Of an update only the changed rows are counted, where these can be determined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from octane_flows.lake import FieldEntry, TableEntry
from octane_flows.models.entity_relations import (
    EntityRelation,
    by_source,
    entity_relations,
    tables_of_entities,
)
from octane_flows.models.model import Model
from octane_flows.models.sql_text import quoted
from octane_flows.warehouse.build_report import CheckResult, ModelResult
from octane_flows.warehouse.duckdb_file import fetch_within_memory
from octane_flows.warehouse.incremental.changed_rows import ChangedRows, saved_rows
from octane_flows.warehouse.incremental.previous_build import PreviousBuild


@dataclass(frozen=True)
class CountedRelation:
    """A relation with the rows of its table, those with a reference, and those that lead nowhere.

    None: not counted, because the model's SQL reads a table of which nothing was ever read.
    """

    relation: EntityRelation
    row_count: int | None
    link_count: int | None
    dangling_count: int | None


def count_relations(
    connection: duckdb.DuckDBPyConnection,
    models: Sequence[Model],
    user_defined: Sequence[EntityRelation],
    results: Iterable[ModelResult],
    checks: Iterable[CheckResult],
    previous: PreviousBuild,
    changed_rows: ChangedRows | None,
) -> list[CountedRelation]:
    """All relations of `er` models and of user-defined fields, with their counts."""
    rows = {result.name: result.rows for result in results}
    dangling = {check.name: check.violations for check in checks}
    by_name = {model.name: model for model in models}
    counted: list[CountedRelation] = []
    for source, relations in by_source(entity_relations(models)).items():
        links = _links(connection, by_name[source], relations, previous, changed_rows)
        counted += [
            CountedRelation(
                relation,
                rows.get(source),
                links[relation.name],
                dangling.get(f"relation:{relation.name}"),
            )
            for relation in relations
        ]
    counted += _user_defined(connection, user_defined)
    return counted


def _links(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    relations: Sequence[EntityRelation],
    previous: PreviousBuild,
    changed_rows: ChangedRows | None,
) -> Mapping[str, int]:
    """The rows with a reference, by relation."""
    names = [relation.name for relation in relations]
    columns = [relation.column for relation in relations]
    has_previous = all(name in previous.links for name in names)
    if has_previous and model.name in previous.rows:
        return {name: previous.links[name] for name in names}
    if has_previous and changed_rows is not None and changed_rows.has_previous_rows(model):
        before = _count(connection, saved_rows(model, "before"), columns)
        after = _count(connection, saved_rows(model, "after"), columns)
        return {
            name: previous.links[name] - old + new
            for name, old, new in zip(names, before, after, strict=True)
        }
    return dict(zip(names, _count(connection, model.name, columns), strict=True))


def _count(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> tuple[int, ...]:
    counts = ", ".join(f"count(counted.{quoted(column)})" for column in columns)
    _, [row] = fetch_within_memory(connection, f"select {counts} from {table} as counted")
    return tuple(row)


def user_defined_relations(
    models: Iterable[Model], fields: Iterable[FieldEntry], entries: Iterable[TableEntry]
) -> list[EntityRelation]:
    """The references of user-defined fields: from an `octane` table to an `er` table.

    Left out are fields that can refer to several tables, or to a type that no `er` table has.
    """
    ordered = list(models)
    tables = tables_of_entities(ordered)
    keys = {model.name: model.header.key[-1] for model in ordered if model.header.key}
    columns = {entry.name: {column.name for column in entry.columns} for entry in entries}
    relations: dict[tuple[str, str], EntityRelation] = {}
    for field in fields:
        table = f"{field.entity}__{field.name}" if field.is_multiple else field.entity
        column = "target_id" if field.is_multiple else f"{field.name}_id"
        targets = {tables[target] for target in field.targets if target in tables}
        if field.is_user_defined and len(targets) == 1 and column in columns.get(table, set()):
            (target,) = targets
            relations[table, column] = EntityRelation(
                source=f"octane.{table}",
                column=column,
                target=target,
                target_column=keys[target],
                fields=(f"{field.entity}.{field.name}",),
                is_user_defined=True,
            )
    return [relations[name] for name in sorted(relations)]


def _user_defined(
    connection: duckdb.DuckDBPyConnection, relations: Sequence[EntityRelation]
) -> Iterator[CountedRelation]:
    for relation in relations:
        schema, _, table = relation.source.partition(".")
        column = quoted(relation.column)
        _, [(rows, links, dangling)] = fetch_within_memory(
            connection,
            f"select count(*), count(source.{column}), count(source.{column}) filter "
            f"(where target.{relation.target_column} is null) "
            f"from {schema}.{quoted(table)} as source left join {relation.target} as target "
            "on target.workspace_id = source._workspace_id "
            f"and target.{relation.target_column} = source.{column}",
        )
        yield CountedRelation(relation, rows, links, dangling)
