"""The lake folder: which generation is current, how the next one is published.

`Lake.draft()` collects the files of a new generation; `Draft.publish()` is one atomic rename.
A crash anywhere before that rename leaves the former generation current and whole.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from octane_flows.errors import LakeError
from octane_flows.lake.files import TableWriter, disk_errors, sync_file
from octane_flows.lake.manifest import (
    CertificateRow,
    FileEntry,
    Manifest,
    SchemaChange,
    TableEntry,
)
from octane_flows.lake.state import FieldEntry, ReadState

POINTER = "CURRENT"


class Lake:
    """A folder of generations; opening it reads nothing and writes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def current(self) -> Manifest | None:
        """The published manifest, or None before the first extract."""
        pointer = self.folder / POINTER
        try:
            text = pointer.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(
                f"Could not read {pointer}: {error.strerror}; give OCTANE_HOME a folder that you "
                "may read and write."
            ) from error
        try:
            generation = int(json.loads(text)["generation"])
        except (ValueError, KeyError, TypeError) as error:
            raise LakeError(
                f'{pointer} is damaged; write {{"generation": N}} into it with the highest N '
                "that has a file in the folder generations beside it."
            ) from error
        return self.manifest(generation)

    def manifest(self, generation: int) -> Manifest:
        """The manifest of any generation that is kept."""
        path = self._manifest_path(generation)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise LakeError(
                f"Generation {generation} cannot be read from {path}: {error.strerror}."
            ) from error
        return Manifest.from_json(text, where=str(path))

    def resolve(self, file: FileEntry) -> Path:
        """Where a file of a manifest lies."""
        return self.folder / file.path

    def draft(self) -> Draft:
        """Start a generation after the current one; nothing is visible until it is published."""
        return Draft(self, self.current())

    def _manifest_path(self, generation: int) -> Path:
        return self.folder / "generations" / f"{generation:06d}.json"

    def next_generation(self) -> int:
        """One more than any generation ever written here, published or not."""
        numbers = [int(path.stem) for path in (self.folder / "generations").glob("[0-9]*.json")]
        return max(numbers, default=0) + 1

    def publish(self, manifest: Manifest) -> None:
        """Write the manifest, then move the pointer to it in one rename."""
        path = self._manifest_path(manifest.generation)
        pointer = self.folder / POINTER
        with disk_errors(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_synced(path, manifest.to_json())
            _write_synced(pointer, json.dumps({"generation": manifest.generation}))


class Draft:
    """The next generation while it is being read; belongs to one extract."""

    def __init__(self, lake: Lake, parent: Manifest | None) -> None:
        self.lake = lake
        self.parent = parent
        with disk_errors(lake.folder, "write"):
            lake.folder.mkdir(parents=True, exist_ok=True)
            self.generation = lake.next_generation()
        self._parts = 0

    def writer(self, table: str, schema: pa.Schema, *, workspace: str) -> TableWriter:
        """A writer for one file of this generation."""
        self._parts += 1
        path = f"data/{workspace}/{table}/{self.generation:06d}-{self._parts:04d}.parquet"
        return TableWriter(self.lake.folder, path, schema, workspace=workspace)

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
        findings: list[str],
        signed_in_user_id: str | None = None,
        signed_in_user_name: str | None = None,
    ) -> Manifest:
        """Make the generation current and return its manifest."""
        manifest = Manifest(
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
        )
        self.lake.publish(manifest)
        return manifest


def _write_synced(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        sync_file(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_file(path.parent)
