"""A draft: the next generation while one extract or compaction makes it.

A lake and the newest generation in; data files, and in the end a published manifest, out. Nothing
is visible before `publish` moves the pointer; a crash before that leaves the published generation
whole.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from octane_flows.lake.file_names import file_name
from octane_flows.lake.generations import Lake
from octane_flows.lake.manifest import (
    CertificateRow,
    Finding,
    Manifest,
    SchemaChange,
    ServerFinding,
    TableEntry,
)
from octane_flows.lake.publish import publish
from octane_flows.lake.read_state import FieldEntry, ReadState
from octane_flows.lake.rebase import rebase
from octane_flows.lake.table_writer import TableWriter

COMPACTION = "*"  # stands where a workspace's id stands for other files
MERGED = "m"  # in names of files that compaction made, before digits that are hexadecimal


def file_origin(path: str) -> tuple[str, int]:
    """The workspace whose extract wrote a file, or `COMPACTION`, and the number in its name."""
    workspace, name = PurePosixPath(path).parts[1::2]
    digits, _, rest = name.partition("-")
    owner = COMPACTION if rest.startswith(MERGED) else workspace
    return owner, int(digits) if digits.isdecimal() else 0


class Draft:
    """The next generation while one extract or compaction makes it.

    `generation` is the number that its rows carry. It is published under that number, or under a
    higher number when other processes published first.
    """

    def __init__(self, lake: Lake, is_compaction: bool = False) -> None:
        self.lake = lake
        self.parent = lake.current()
        self.generation = lake.next_generation()
        # two machines may make the same generation at once, so the names of their files must differ
        self._token = (MERGED if is_compaction else "") + secrets.token_hex(3)
        self._parts = 0

    def writer(
        self, table: str, schema: pa.Schema, *, workspace: str, of_large_rows: bool = False
    ) -> TableWriter:
        """A writer for one file of this generation."""
        self._parts += 1
        name = f"{self.generation:06d}-{self._token}-{self._parts:04d}.parquet"
        path = f"data/{file_name(workspace)}/{file_name(table)}/{name}"
        return TableWriter(
            self.lake.storage, path, schema, workspace=workspace, of_large_rows=of_large_rows
        )

    def publish(
        self,
        *,
        as_of: datetime,
        server_url: str,
        server_version: str,
        shared_space: str,
        tables: dict[str, TableEntry],
        states: dict[str, dict[str, ReadState]],
        fields: list[FieldEntry],
        certificate: list[CertificateRow],
        schema_changes: list[SchemaChange],
        politeness: dict[str, Any],
        findings: list[Finding],
        signed_in_user_id: str | None = None,
        signed_in_user_name: str | None = None,
        workspaces: Collection[str] | None = None,
        workspace_names: Mapping[str, str | None] | None = None,
        server: Collection[ServerFinding] = (),
    ) -> Manifest:
        """Make the generation current and return its manifest.

        `workspaces` are those that the draft read, `workspace_names` what they are called; the
        others stay as the newest generation has them. None: the draft is the whole lake. Raises
        LakeError when another process published the same workspaces meanwhile.
        """
        draft = Manifest(
            generation=self.generation,
            parent=self.parent.generation if self.parent else None,
            as_of=as_of,
            created_at=datetime.now(UTC),
            server_url=server_url,
            server_version=server_version,
            shared_space=shared_space,
            tables=tables,
            states=states,
            fields=fields,
            certificate=certificate,
            schema_changes=schema_changes,
            politeness=politeness,
            findings=findings,
            signed_in_user_id=signed_in_user_id,
            signed_in_user_name=signed_in_user_name,
            server=list(server),
        )

        def after(head: Manifest | None, number: int) -> Manifest:
            return rebase(
                draft,
                self.parent,
                head,
                workspaces=workspaces,
                names=workspace_names or {},
                number=number,
                where=self.lake.storage.describe(),
            )

        return publish(self.lake, after, least=self.generation)
