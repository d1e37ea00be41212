"""All golden cases as one lake, each in workspaces of its own.

Nothing in, a data folder out; `test_goldens` has Spark build it and looks at each case alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from octane_flows.lake import ColumnEntry, Draft, FileEntry, Lake, TableEntry
from octane_flows.warehouse.octane_contract import contract_entry
from tests.golden import kit
from tests.golden.cases import all_cases
from tests.golden.warehouse import in_marked_workspace, mark_of

CASES = [case for case in all_cases() if case.kind in ("flow", "metric")]
OWN = {"_generation": "1", "_extracted_at": "2021-01-20 21:00:00", "_deleted": "false"}


def given_rows() -> dict[str, list[Mapping[str, str | None]]]:
    """The texts of all given rows, by table."""
    tables: dict[str, list[Mapping[str, str | None]]] = {}
    for case in CASES:
        for name, rows in case.given.items():
            marked = [in_marked_workspace(row, mark_of(case)).values for row in rows]
            tables.setdefault(name, []).extend({**OWN, **row} for row in marked)
    return tables


def write_goldens(home: Path) -> None:
    """Publish the rows of every case as one generation."""
    rows = given_rows()
    draft = Draft(Lake(home / "lake"))
    tables: dict[str, TableEntry] = {}
    for name in kit.golden_tables():
        files: list[FileEntry] = []
        if name == kit.VERSIONS:  # derived from the lake's files, but given by itself in a case
            continue
        if name in rows:
            table = kit.typed(name, rows[name])
            writer = draft.writer(name, table.schema, workspace="all")
            writer.write(table)
            file = writer.close()
            files += [file] if file else []
        tables[name] = dataclasses.replace(_entry(name), files=tuple(files))
    draft.publish(
        as_of=kit.AS_OF,
        server_url="http://127.0.0.1",
        server_version="24.4",
        shared_space="1001",
        tables=tables,
        states={},
        fields=[],
        certificate=[],
        schema_changes=[],
        politeness={},
        findings=[],
        signed_in_user_name="me",
        workspaces=[mark_of(case) + id for case in CASES for id in kit.WORKSPACES],
    )


def _entry(name: str) -> TableEntry:
    """A table with its user-defined fields, as the manifest of such a server tells it."""
    own = {entry.name: entry for entry in kit.USER_DEFINED}.get(name)
    if own is not None and own.kind == "link":
        return own
    columns = {
        column: ColumnEntry(column, kind) for column, kind in kit.golden_tables()[name].items()
    }
    columns |= {column.name: column for column in own.columns} if own else {}
    return dataclasses.replace(contract_entry(name), columns=tuple(columns.values()))
