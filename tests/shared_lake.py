"""A lake that many processes publish into: the files of an extract, and the warehouse afterwards.

Rows by id in, generations out, and names by workspace and id as a warehouse shows them; the tests
of a shared lake call it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from octane_flows.lake import (
    CertificateRow,
    Draft,
    FieldEntry,
    FileEntry,
    Interval,
    Lake,
    Manifest,
    ReadState,
    SchemaChange,
)
from octane_flows.warehouse import connect, load_models
from octane_flows.warehouse.octane_contract import contract_entry
from tests.golden import kit

START = datetime(2021, 1, 20, 12, tzinfo=UTC)
FEW = [model for model in load_models() if model.name in ("er.releases", "er.sprints")]
TABLE, LINKS = "release", "defect__product_areas"


def publish(
    draft: Draft, workspace: str, rows: dict[str, str | None], *, replaces: int = 0
) -> Manifest:
    """What an extract of one workspace publishes: versions by id, None for a tombstone.

    Its first `replaces` files of each table are let go of.
    """
    stamp, parent = draft.generation, draft.parent
    # the server's clock: the same for all, and not that of the machines
    as_of = START + timedelta(minutes=stamp)
    tables = dict(parent.tables) if parent is not None else {}
    for name in (TABLE, LINKS):
        file = write(draft, name, workspace, rows, as_of)
        previous = tables[name].files if name in tables else ()
        old = [file for file in previous if file.workspace == workspace][:replaces]
        kept = tuple(file for file in previous if file not in old)
        tables[name] = replace(contract_entry(name, list(kit.tables()[name])), files=kept)
        tables[name] = replace(tables[name], files=(*kept, file))
    change = SchemaChange(stamp, workspace, TABLE, "name", "relabelled", "")
    field = FieldEntry(
        workspace, TABLE, "name", "Name", "string", False, False, (), None, stamp, stamp
    )
    row = CertificateRow(workspace, TABLE, "releases", len(rows), len(rows), 1, 9, "complete",
                         rows_written=len(rows), cursor=as_of, lag_s=0.0)  # fmt: skip
    others = [row for row in (parent.certificate if parent else ()) if row.workspace != workspace]
    return draft.publish(
        as_of=as_of,
        server_url="http://127.0.0.1",
        server_version="24.4",
        shared_space="1001",
        tables=tables,
        states={
            **(parent.states if parent is not None else {}),
            workspace: {TABLE: ReadState("changes", as_of, (Interval(None, as_of),))},
        },
        fields=[
            *(old for old in (parent.fields if parent else ()) if old.workspace != workspace),
            field,
        ],
        certificate=[row, *(replace(other, status="carried", rows_written=0) for other in others)],
        schema_changes=[*(parent.schema_changes if parent is not None else ()), change],
        politeness={},
        findings=[],
        signed_in_user_name=f"reader of {workspace}",
        workspaces=[workspace],
    )


def write(
    draft: Draft, name: str, workspace: str, rows: dict[str, str | None], as_of: datetime
) -> FileEntry:
    columns = kit.tables()[name]
    schema = pa.schema([(column, kit.ARROW[kind]) for column, kind in columns.items()])
    own = {
        "_workspace_id": workspace,
        "_generation": draft.generation,
        "_extracted_at": as_of.replace(tzinfo=None),
    }
    key, value = ("id", "name") if name == TABLE else ("source_id", "target_id")
    written = [
        {**dict.fromkeys(columns), **own, key: id, value: text, "_deleted": text is None}
        for id, text in rows.items()
    ]
    writer = draft.writer(name, schema, workspace=workspace)
    writer.write(pa.Table.from_pylist(written, schema=schema))
    file = writer.close()
    assert file is not None
    return file


def require_whole(lake: Lake, manifest: Manifest) -> None:
    """Every file that a generation names is there, and holds its own workspace's rows."""
    for entry in manifest.tables.values():
        assert len({file.path for file in entry.files}) == len(entry.files)
        for file in entry.files:
            rows = pq.read_table(lake.resolve(file), columns=["_workspace_id", "_generation"])
            assert rows.num_rows == file.rows
            assert set(rows["_workspace_id"].to_pylist()) == {file.workspace}
            assert max(rows["_generation"].to_pylist()) <= manifest.stamp(file.workspace)


def stored_names(home: Path) -> dict[str, dict[str, str]]:
    """Names by workspace and id, as the published warehouse has them."""
    names_before: dict[str, dict[str, str]] = {}
    with connect(home) as connection:
        for table, key, value in ((TABLE, "id", "name"), (LINKS, "source_id", "target_id")):
            rows = connection.execute(
                f"select _workspace_id, {key}, {value} from octane.{table}"
            ).fetchall()
            names: dict[str, dict[str, str]] = {}
            for workspace, id, name in rows:
                assert id not in names.setdefault(workspace, {}), "a row is there twice"
                names[workspace][id] = name
            assert not names_before or names_before == names
            names_before = names
    return names_before
