"""The lake: which generation is current, how the next one is published.

`Lake.draft()` collects the files of a new generation; `Draft.publish()` moves one pointer.
A crash anywhere before that leaves the former generation current and whole.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.encode import decode
from octane_flows.lake.files import TableWriter
from octane_flows.lake.manifest import (
    CertificateRow,
    FileEntry,
    Finding,
    Kept,
    Manifest,
    PartEntry,
    SchemaChange,
    TableEntry,
)
from octane_flows.lake.publish import manifest_path, publish
from octane_flows.lake.rebase import rebase
from octane_flows.lake.state import FieldEntry, ReadState
from octane_flows.lake.storage import FolderStorage, Storage

POINTER = "CURRENT"
COMPACTION = "*"  # beside the ids of workspaces
MERGED = "m"  # in names of files that compaction made, before digits that are hexadecimal


@dataclass(frozen=True)
class Pointer:
    """What is current and kept; `body` is the pointer's content as it was read."""

    kept: tuple[Kept, ...] = ()
    body: bytes | None = None


class Lake:
    """Generations in a folder or another storage; opening it reads nothing and writes nothing."""

    def __init__(self, place: Path | Storage) -> None:
        self.storage: Storage = FolderStorage(place) if isinstance(place, Path) else place

    @property
    def folder(self) -> Path:
        """The lake's folder, or what this machine keeps of a lake in a bucket."""
        return self.storage.folder

    def current(self) -> Manifest | None:
        """The published manifest, or None before the first extract."""
        kept = self.pointer().kept
        return self.manifest(kept[-1].generation) if kept else None

    def kept(self) -> tuple[Kept, ...]:
        """The generations that can be opened, the current one last."""
        return self.pointer().kept

    def as_of(self, when: int | datetime) -> Manifest:
        """The manifest of a generation, or the newest one at a moment (UTC). Raises UsageError."""
        kept = self.kept()
        found = [
            one.generation
            for one in kept
            if (one.generation == when if isinstance(when, int) else one.as_of <= when)
        ]
        if not found:
            there = (
                f"it keeps {len(kept)}, from {kept[0]} to {kept[-1]}"
                if kept
                else "it holds none yet"
            )
            asked = f"generation {when}" if isinstance(when, int) else f"generation of {when} UTC"
            raise UsageError(f"The lake {self.storage.describe()} has no {asked}; {there}.")
        return self.manifest(found[-1])

    def pointer(self) -> Pointer:
        """What the pointer says."""
        body = self.storage.read(POINTER)
        if body is None:
            return Pointer()
        try:
            found = json.loads(body)
            kept = tuple(
                Kept(int(one["generation"]), datetime.fromisoformat(one["as_of"]))
                for one in found.get("kept", ())
            )
            generation = int(found["generation"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LakeError(
                f'{self.storage.describe(POINTER)} is damaged; write {{"generation": N}} into it '
                "with the highest N that has a file in the folder generations beside it."
            ) from error
        if not kept or kept[-1].generation != generation:  # written by hand, as the message says
            kept = (Kept(generation, self.manifest(generation).as_of),)
        return Pointer(kept, body)

    def manifest(self, generation: int) -> Manifest:
        """The manifest of any generation that is kept."""
        path = manifest_path(generation)
        body = self.storage.read(path)
        if body is None:
            raise LakeError(
                f"Generation {generation} cannot be read from {self.storage.describe(path)}: "
                "no such file; restore it from a backup, or ask for a generation that is kept."
            )
        return decode(body, self._read_part, where=self.storage.describe(path))

    def _read_part(self, part: PartEntry) -> bytes:
        body = self.storage.read(part.path)
        if body is None or sha256(body).hexdigest() != part.sha256:
            found = "no such file" if body is None else "it is not what its manifest says"
            raise LakeError(
                f"{self.storage.describe(part.path)} cannot be read: {found}; restore it from a "
                "backup, or extract into a new OCTANE_HOME."
            )
        return body

    def resolve(self, file: FileEntry) -> Path:
        """A local file with the content of a manifest's file."""
        return self.storage.local(file.path, file.sha256)

    def draft(self, *, is_compaction: bool = False) -> Draft:
        """Start a generation after the current one; nothing is visible until it is published."""
        return Draft(self, is_compaction)

    def next_generation(self) -> int:
        """One more than any generation ever written here, published or not."""
        numbers = [int(Path(one.path).stem) for one in self.storage.list("generations")]
        return max(numbers, default=0) + 1

    def move_pointer(self, kept: Sequence[Kept], former: Pointer) -> bool:
        """Let the pointer name these generations; False when it is no longer `former`."""
        body = {
            "generation": kept[-1].generation,
            "kept": [
                {"generation": one.generation, "as_of": one.as_of.isoformat()} for one in kept
            ],
        }
        return self.storage.swap(POINTER, json.dumps(body).encode(), former.body)


def made_by(path: str) -> tuple[str, int]:
    """Who wrote a data file, a workspace's extract or `COMPACTION`, and the number in its name."""
    workspace, name = PurePosixPath(path).parts[1::2]
    digits, _, rest = name.partition("-")
    owner = COMPACTION if rest.startswith(MERGED) else workspace
    return owner, int(digits) if digits.isdecimal() else 0


class Draft:
    """The next generation while it is being made; belongs to one extract or compaction.

    `generation` is the number that its rows carry; it is published under that number, or a higher
    one where others were published first.
    """

    def __init__(self, lake: Lake, is_compaction: bool = False) -> None:
        self.lake = lake
        self.parent = lake.current()
        self.generation = lake.next_generation()
        # two machines may make the same generation at once: their files must not meet
        self._token = (MERGED if is_compaction else "") + secrets.token_hex(3)
        self._parts = 0

    def writer(self, table: str, schema: pa.Schema, *, workspace: str) -> TableWriter:
        """A writer for one file of this generation."""
        self._parts += 1
        name = f"{self.generation:06d}-{self._token}-{self._parts:04d}.parquet"
        path = f"data/{workspace}/{table}/{name}"
        return TableWriter(self.lake.storage, path, schema, workspace=workspace)

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
    ) -> Manifest:
        """Make the generation current and return its manifest.

        `workspaces` are those that it is about; of others stays what the newest generation says.
        None: it is about the whole lake. Raises LakeError when others published the same meanwhile.
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
        )

        def after(head: Manifest | None, number: int) -> Manifest:
            return rebase(
                draft,
                self.parent,
                head,
                workspaces=workspaces,
                number=number,
                where=self.lake.storage.describe(),
            )

        return publish(self.lake, after, least=self.generation)
