"""What the SQL models may expect of `octane.*`, and what of it a lake does not hold.

The packaged `octane_contract.json` (tables, columns and types as a current server lists them) and
models in, the tables and columns to add empty out. `table_loading` creates them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from octane_flows.lake import ColumnEntry, TableEntry
from octane_flows.lake.key_columns import LINK_KEYS, OWN_COLUMNS
from octane_flows.models.model import Model

# scripts are a resource of a test and no entity type, so that metadata does not list them
SCRIPT_COLUMNS = {
    "id": "VARCHAR",
    "type": "VARCHAR",
    "script": "VARCHAR",
    "creation_time": "TIMESTAMP",
    "last_modified": "TIMESTAMP",
}
# the change history is a resource of the workspace; a row is one field of one save
HISTORY_COLUMNS = {
    "id": "VARCHAR",
    "type": "VARCHAR",
    "entity_type": "VARCHAR",
    "entity_id": "VARCHAR",
    "changed_at": "TIMESTAMP",
    "save_number": "BIGINT",
    "action": "VARCHAR",
    "user_id": "VARCHAR",
    "user_name": "VARCHAR",
    "user_full_name": "VARCHAR",
    "field_name": "VARCHAR",
    "field_label": "VARCHAR",
    "old_value": "VARCHAR",
    "old_value_text": "VARCHAR",
    "value": "VARCHAR",
    "value_text": "VARCHAR",
}


@dataclass(frozen=True)
class Missing:
    """A table (`column` None) or a column that models read and the lake does not hold."""

    table: str
    column: str | None
    type: str | None
    models: tuple[str, ...]

    @property
    def name(self) -> str:
        """The qualified name, as in `octane.ci_build.result`."""
        return f"octane.{self.table}" + (f".{self.column}" if self.column else "")


def types_of(columns: Iterable[ColumnEntry]) -> dict[str, str]:
    """The DuckDB type of each column, by its name."""
    return {column.name: column.type for column in columns}


@cache
def contract_tables() -> Mapping[str, Mapping[str, str]]:
    """Column names with DuckDB types, by `octane` table; link tables included."""
    file = resources.files("octane_flows.warehouse").joinpath("octane_contract.json")
    tables: dict[str, Mapping[str, str]] = {}
    for entity, definition in json.loads(file.read_text("utf-8")).items():
        tables[entity] = {**definition["columns"], **types_of(OWN_COLUMNS)}
        for field in definition["links"]:
            tables[f"{entity}__{field}"] = {**types_of((*LINK_KEYS, *OWN_COLUMNS))}
    tables["test_script"] = {**SCRIPT_COLUMNS, **types_of(OWN_COLUMNS)}
    tables["history_log"] = {**HISTORY_COLUMNS, **types_of(OWN_COLUMNS)}
    return tables


def contract_entry(name: str, columns: Iterable[str] | None = None) -> TableEntry:
    """A table of the contract as a manifest would name it, without files."""
    entity, _, field = name.partition("__")
    types = contract_tables()[name]
    return TableEntry(
        name=name,
        kind="link" if field else "entity",
        entity=entity,
        field=field or None,
        label=entity.replace("_", " ").capitalize(),
        columns=tuple(ColumnEntry(column, types[column]) for column in columns or types),
        files=(),
    )


def find_missing(models: Iterable[Model], tables: Mapping[str, TableEntry]) -> list[Missing]:
    """What models read of the contract that `tables` lack; whole tables once, by name.

    What the contract does not know either is left alone: SQL that reads it does not bind.
    """
    readers: dict[tuple[str, str | None], list[str]] = {}
    for model in models:
        for table, columns in model.reads.items():
            expected = contract_tables().get(table)
            if expected is None:
                continue
            if table not in tables:
                readers.setdefault((table, None), []).append(model.name)
                continue
            present = {column.name for column in tables[table].columns}
            for column in sorted(columns & expected.keys() - present):
                readers.setdefault((table, column), []).append(model.name)
    return [
        Missing(table, column, contract_tables()[table][column] if column else None, tuple(names))
        for (table, column), names in sorted(
            readers.items(), key=lambda item: (item[0][0], item[0][1] or "")
        )
    ]


def completed(tables: Mapping[str, TableEntry], missing: Iterable[Missing]) -> list[TableEntry]:
    """The lake's tables with what is missing added: no files, no rows, nulls only."""
    entries = dict(tables)
    for lack in missing:
        if lack.column is None:
            entries[lack.table] = contract_entry(lack.table)
        else:
            entry = entries[lack.table]
            added = ColumnEntry(lack.column, lack.type or "VARCHAR")
            entries[lack.table] = replace(entry, columns=(*entry.columns, added))
    return [entries[name] for name in sorted(entries)]


def missing_by_model(
    models: Iterable[Model], missing: Iterable[Missing]
) -> dict[str, frozenset[str]]:
    """What each model reads, itself or through others, and the lake does not hold.

    `models` in their order: those that others read come first.
    """
    by_model: dict[str, frozenset[str]] = {}
    every = list(missing)
    for model in models:
        own = frozenset(entry.name for entry in every if model.name in entry.models)
        by_model[model.name] = own.union(*(by_model.get(name, ()) for name in model.sources))
    return by_model


def partial_reason(missing: Collection[str]) -> str | None:
    """Why an answer is partial, as a clause; None when nothing is missing."""
    return f"the lake has no {', '.join(sorted(missing))}" if missing else None


def findings(missing: Iterable[Missing]) -> list[str]:
    """One sentence for each table that is missing or lacks columns."""
    sentences: list[str] = []
    by_table: dict[str, list[Missing]] = {}
    for lack in missing:
        by_table.setdefault(lack.table, []).append(lack)
    for table, lacks in by_table.items():
        readers = ", ".join(sorted({name for lack in lacks for name in lack.models}))
        if lacks[0].column is None:
            sentences.append(
                f"octane.{table} is not in the lake (not listed for this role or version, or left "
                f"out): it is empty, and {readers} have no rows of it"
            )
        else:
            columns = ", ".join(str(lack.column) for lack in lacks)
            sentences.append(
                f"octane.{table} has no {columns} in the lake: null there and in what {readers} "
                "take from it"
            )
    return sentences
