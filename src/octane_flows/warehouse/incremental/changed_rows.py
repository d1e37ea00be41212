"""What an update touches: ids of the rows that change, and the rows of models that depend on them.

`build_start` makes a `ChangedRows` from the copied warehouse before anything in it changes;
`model_creation` and `data_checks` then look at these rows alone. Where the changed rows of a model
cannot be determined, all its rows are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import duckdb

from octane_flows.lake import Lake
from octane_flows.models.model import Model
from octane_flows.models.row_dependencies import row_dependencies
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.build_report import CheckResult
from octane_flows.warehouse.duckdb_file import transaction
from octane_flows.warehouse.incremental.previous_build import PreviousBuild
from octane_flows.warehouse.incremental.table_changes import TableChange
from octane_flows.warehouse.key_checks import count_and_check_key, key_check_name
from octane_flows.warehouse.table_loading import (
    count,
    deleted_ids,
    files_source,
    is_new,
    reading_files,
)

CHANGED_IDS = "temp.changed_ids"
DELETED_ROWS = "temp.deleted_rows"


class ChangedRows:
    """The ids that an update changes, by `octane` table; a table that is rebuilt has none."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Lake,
        changes: Collection[TableChange],
        models: Iterable[Model],
    ) -> None:
        self._connection = connection
        self._models = list(models)
        self._dependencies = row_dependencies(self._models)
        self._rebuilt = {change.entry.name for change in changes if change.since is None}
        self._columns = _columns_to_check(self._models)
        self._previous_counts: dict[str, int] = {}
        self._counts_to_derive: dict[str, int] = {}  # of models whose rows are those of others
        self._affected: frozenset[str] = frozenset()
        connection.execute(f"create temp table {CHANGED_IDS} (table_name varchar, id varchar)")
        for change in changes:
            if change.since is not None and change.files:
                with reading_files(lake, change):
                    self._add(lake, change, changes)
        names = connection.execute(f"select distinct table_name from {CHANGED_IDS}").fetchall()
        self._tables_with_ids = {row[0] for row in names}

    def _add(self, lake: Lake, change: TableChange, changes: Collection[TableChange]) -> None:
        """Add the ids of changed rows, and the owners of links that go with a deleted row."""
        entry = change.entry
        owner = "source_id" if entry.kind == "link" else "id"
        self._connection.execute(
            f"insert into {CHANGED_IDS} select distinct {literal(entry.name)}, versions.{owner} "
            f"from {files_source(lake, change)} as versions "
            f"where {is_new(change)}"
        )
        if entry.kind == "link":
            return
        self._connection.execute(
            f"create or replace temp table {DELETED_ROWS} as {deleted_ids(lake, change)}"
        )
        if not count(self._connection, DELETED_ROWS):
            return
        for link in (change.entry for change in changes if change.entry.kind == "link"):
            if link.entity == entry.name and link.name not in self._rebuilt:
                self._connection.execute(
                    f"insert into {CHANGED_IDS} "
                    f"select distinct {literal(link.name)}, links.source_id "
                    f"from octane.{quoted(link.name)} as links where links.source_id in "
                    f"(select deleted_rows.id from {DELETED_ROWS} as deleted_rows)"
                )

    @property
    def tables(self) -> list[str]:
        """The `octane` tables that change in any way."""
        return sorted(self._rebuilt | self._tables_with_ids)

    def condition(self, model: Model, columns: Collection[str] | None = None) -> str | None:
        """The condition on `model_rows` for those that can change; None: all can.

        `columns`: the condition may use these columns only.
        """
        if model.name not in self._dependencies:
            return None
        tables_by_column: dict[str, list[str]] = {}
        for source, id_column_sets in self._dependencies[model.name].items():
            schema, _, table = source.partition(".")
            if schema != "octane" or table in self._rebuilt:
                return None
            for id_columns in id_column_sets if table in self._tables_with_ids else ():
                usable = sorted(id_columns if columns is None else id_columns & set(columns))
                if not usable:
                    return None
                tables_by_column.setdefault(usable[0], []).append(literal(table))
        conditions = [
            f"model_rows.{column} in (select changed_ids.id from {CHANGED_IDS} as changed_ids "
            f"where changed_ids.table_name in ({', '.join(sorted(tables))}))"
            for column, tables in sorted(tables_by_column.items())
        ]
        return " or ".join(conditions) or "false"

    def save_previous_rows(self, previous: PreviousBuild, affected: Collection[str]) -> None:
        """Save the rows of affected models that can change, before the tables change."""
        self._affected = frozenset(affected)
        for model in self._models:
            rows = previous.rows.get(model.name)
            key = previous.checks.get(key_check_name(model))
            if model.schema != "er" or model.name not in affected or rows is None:
                continue
            if key is None or not key.passed:
                continue
            if model.header.rows:
                self._counts_to_derive[model.name] = rows
            elif self._save(model, "before"):
                self._previous_counts[model.name] = rows

    def _save(self, model: Model, when: Literal["before", "after"]) -> bool:
        condition = self.condition(model, columns=model.header.key)
        if condition is None:
            return False
        columns = ", ".join(f"model_rows.{column}" for column in sorted(self._columns[model.name]))
        self._connection.execute(
            f"create temp table {saved_rows(model, when)} as "
            f"select {columns} from {model.name} as model_rows where {condition}"
        )
        return True

    def has_previous_rows(self, model: Model) -> bool:
        """Whether the rows of the model that can change were saved before the tables changed."""
        return model.name in self._previous_counts

    def update_stored_model(self, model: Model) -> None:
        """Bring the changed rows of a stored model up to date."""
        condition = self.condition(model, columns=model.header.key)
        with transaction(self._connection):
            self._connection.execute(f"delete from {model.name} as model_rows where {condition}")
            self._connection.execute(
                f"insert into {model.name} by name "
                f"select model_rows.* from ({model.sql}\n) as model_rows where {condition}"
            )

    def removed_values(self, model: Model, column: str) -> str:
        """The select of values of a column that the model's changed rows do not hold any more."""
        names = sorted({column, *({"workspace_id"} & set(model.header.key))})
        columns = ", ".join(f"model_rows.{name}" for name in names)
        before, after = (
            f"select {columns} from {saved_rows(model, when)} as model_rows"
            for when in ("before", "after")
        )
        return (
            f"select removed.{column} from ({before} except {after}) as removed "
            f"where removed.{column} is not null"
        )

    def count_and_check_key(self, model: Model) -> tuple[int, CheckResult]:
        """What a pass over all rows would give, from the changed ones."""
        self._save(model, "after")
        rows, key = count_and_check_key(self._connection, model, saved_rows(model, "after"))
        before = count(self._connection, saved_rows(model, "before"))
        return self._previous_counts[model.name] - before + rows, key

    def derived_count(self, model: Model) -> int | None:
        """The rows of a model whose header names those of others; None: theirs must be counted.

        The models that it names come before it, and their changed rows are saved.
        """
        rows = self._counts_to_derive.get(model.name)
        by_name = {model.name: model for model in self._models}
        for part in model.header.rows:
            if rows is None or part.model not in self._affected:
                continue
            if part.model not in self._previous_counts:
                return None
            before, after = (
                count(
                    self._connection,
                    f"{saved_rows(by_name[part.model], when)} as saved "
                    f"where {part.condition('saved')}",
                )
                for when in ("before", "after")
            )
            rows += after - before
        return rows


def saved_rows(model: Model, when: str) -> str:
    """The table with a model's changed rows, `before` or `after` the update."""
    return f"temp.{quoted(f'{when} {model.name}')}"


def _columns_to_check(models: Iterable[Model]) -> Mapping[str, set[str]]:
    """The columns of each model that checks of keys and relations, and counts, need."""
    columns: dict[str, set[str]] = {}
    for model in models:
        columns.setdefault(model.name, set()).update(model.header.key)
        for relation in model.header.relations:
            columns[model.name].add(relation.column)
            columns.setdefault(relation.target, set()).add(relation.target_column)
        for part in model.header.rows:
            if part.column is not None:
                columns.setdefault(part.model, set()).add(part.column)
    return columns
