"""What an update touches: ids of the rows that change, and the rows of models that hang on them.

`build` makes a `Touched` from the copied warehouse, before anything in it is changed; `create` and
`checks` ask it, so that they look at these rows alone. What cannot be told is looked at in full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import duckdb

from octane_flows.lake import Lake
from octane_flows.models.model import Model
from octane_flows.models.row_dependencies import depends
from octane_flows.models.sql_text import literal, quoted
from octane_flows.warehouse.build_report import CheckResult
from octane_flows.warehouse.duckdb_file import transaction
from octane_flows.warehouse.incremental.previous_build import Former
from octane_flows.warehouse.incremental.table_changes import TableChange
from octane_flows.warehouse.key_checks import count_and_check_key, key_check_name
from octane_flows.warehouse.table_loading import count, deleted_ids, files_source, is_new

IDS = "temp.touched_ids"


class Touched:
    """The ids that an update changes, by `octane` table; an update of everything touches none."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Lake,
        changes: Collection[TableChange],
        models: Iterable[Model],
    ) -> None:
        self._connection = connection
        self._models = list(models)
        self._depends = depends(self._models)
        self._rebuilt = {change.entry.name for change in changes if change.since is None}
        self._columns = _columns(self._models)
        self._rows_before: dict[str, int] = {}
        connection.execute(f"create temp table {IDS} (table_name varchar, id varchar)")
        for change in changes:
            if change.since is not None and change.files:
                self._add(lake, change, changes)
        named = connection.execute(f"select distinct table_name from {IDS}").fetchall()
        self._ids = {row[0] for row in named}

    def _add(self, lake: Lake, change: TableChange, changes: Collection[TableChange]) -> None:
        """The ids of changed rows; a deleted row takes its links with it."""
        entry = change.entry
        owner = "source_id" if entry.kind == "link" else "id"
        self._connection.execute(
            f"insert into {IDS} select distinct {literal(entry.name)}, versions.{owner} "
            f"from {files_source(lake, change)} as versions "
            f"where {is_new(change)}"
        )
        if entry.kind == "link":
            return
        self._connection.execute(
            f"create or replace temp table temp.gone as {deleted_ids(lake, change)}"
        )
        if not count(self._connection, "temp.gone"):
            return
        for link in (one.entry for one in changes if one.entry.kind == "link"):
            if link.entity == entry.name and link.name not in self._rebuilt:
                self._connection.execute(
                    f"insert into {IDS} select distinct {literal(link.name)}, links.source_id "
                    f"from octane.{quoted(link.name)} as links "
                    "where links.source_id in (select gone.id from temp.gone as gone)"
                )

    @property
    def tables(self) -> list[str]:
        """The `octane` tables that change in any way."""
        return sorted(self._rebuilt | self._ids)

    def where(self, model: Model, among: Collection[str] | None = None) -> str | None:
        """The condition on `held`, the model's rows, for those that can change; None: all can.

        `among`: only these columns may be asked.
        """
        if model.name not in self._depends:
            return None
        by_column: dict[str, list[str]] = {}
        for source, places in self._depends[model.name].items():
            schema, _, table = source.partition(".")
            if schema != "octane" or table in self._rebuilt:
                return None
            for place in places if table in self._ids else ():
                columns = sorted(place if among is None else place & set(among))
                if not columns:
                    return None
                by_column.setdefault(columns[0], []).append(literal(table))
        conditions = [
            f"held.{column} in (select touched.id from {IDS} as touched "
            f"where touched.table_name in ({', '.join(sorted(tables))}))"
            for column, tables in sorted(by_column.items())
        ]
        return " or ".join(conditions) or "false"

    def remember(self, former: Former, affected: Collection[str]) -> None:
        """Keep what the touched rows of affected models are now, before the tables change."""
        for model in self._models:
            rows = former.rows.get(model.name)
            key = former.checks.get(key_check_name(model))
            if model.schema != "er" or model.name not in affected or rows is None:
                continue
            if key is not None and key.passed and self._keep(model, "before"):
                self._rows_before[model.name] = rows

    def _keep(self, model: Model, when: str) -> bool:
        where = self.where(model, among=model.header.key)
        if where is None:
            return False
        columns = ", ".join(f"held.{column}" for column in sorted(self._columns[model.name]))
        self._connection.execute(
            f"create temp table {kept(model, when)} as "
            f"select {columns} from {model.name} as held where {where}"
        )
        return True

    def is_followed(self, model: Model) -> bool:
        """Whether the model's touched rows are known, as they were and as they are."""
        return model.name in self._rows_before

    def renew(self, model: Model) -> None:
        """Bring a stored model's touched rows up to date."""
        where = self.where(model, among=model.header.key)
        with transaction(self._connection):
            self._connection.execute(f"delete from {model.name} as held where {where}")
            self._connection.execute(
                f"insert into {model.name} by name "
                f"select held.* from ({model.sql}\n) as held where {where}"
            )

    def gone(self, model: Model, column: str) -> str:
        """The select of what this column held before in touched rows and holds in them no more."""
        named = sorted({column, *({"workspace_id"} & set(model.header.key))})
        columns = ", ".join(f"held.{one}" for one in named)
        before, after = (
            f"select {columns} from {kept(model, when)} as held" for when in ("before", "after")
        )
        return (
            f"select gone.{column} from ({before} except {after}) as gone "
            f"where gone.{column} is not null"
        )

    def count_and_check_key(self, model: Model) -> tuple[int, CheckResult]:
        """What a pass over all rows would give, from the touched ones."""
        self._keep(model, "after")
        rows, key = count_and_check_key(self._connection, model, kept(model, "after"))
        before = count(self._connection, kept(model, "before"))
        return self._rows_before[model.name] - before + rows, key


def kept(model: Model, when: str) -> str:
    """The table with a model's touched rows, `before` or `after` the update."""
    return f"temp.{quoted(f'{when} {model.name}')}"


def _columns(models: Iterable[Model]) -> Mapping[str, set[str]]:
    """The columns of each model that checks of keys and relations need."""
    needed: dict[str, set[str]] = {}
    for model in models:
        needed.setdefault(model.name, set()).update(model.header.key)
        for relation in model.header.relations:
            needed[model.name].add(relation.column)
            needed.setdefault(relation.target, set()).add(relation.target_column)
    return needed
