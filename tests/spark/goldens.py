"""All golden cases as one lake, each in workspaces of its own.

Nothing in, a data folder out; `test_goldens` has Spark build it and looks at each case alone.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa

from octane_flows.lake import ColumnEntry, Draft, FileEntry, Lake, TableEntry
from octane_flows.warehouse.octane_contract import contract_entry
from tests.golden import kit

CASES = sorted(path.parent for path in kit.HERE.glob("*/*/expect.csv"))
OWN = {"_generation": "1", "_extracted_at": "2021-01-20 21:00:00", "_deleted": "false"}


def mark_of(case: Path) -> str:
    """What stands before the ids of the workspaces of a case."""
    return f"{case.parent.name}/{case.name}|"


def given_rows() -> dict[str, list[dict[str, str]]]:
    """The texts of all given rows, by table."""
    rows: dict[str, list[dict[str, str]]] = {}
    for case in CASES:
        for path in sorted((case / "given").glob("*.csv")):
            for row in kit.read_csv(path):
                marked = {"_workspace_id": mark_of(case) + row["_workspace_id"]}
                rows.setdefault(path.stem, []).append({**OWN, **row, **marked})
    return rows


def typed(rows: list[dict[str, str]], columns: dict[str, str]) -> pa.Table:
    """Rows of texts in the types of their columns; an empty text is null."""
    return pa.table(
        {
            column: pa.array([row.get(column) or None for row in rows], pa.string()).cast(
                kit.ARROW[kind]
            )
            for column, kind in columns.items()
        }
    )


def write_goldens(home: Path) -> None:
    """Publish the rows of every case as one generation."""
    rows = given_rows()
    draft = Draft(Lake(home / "lake"))
    tables: dict[str, TableEntry] = {}
    for name, columns in kit.golden_tables().items():
        files: list[FileEntry] = []
        if name == kit.VERSIONS:  # derived from the lake's files, but given by itself in a case
            continue
        if name in rows:
            held = typed(rows[name], columns)
            writer = draft.writer(name, held.schema, workspace="all")
            writer.write(held)
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
