"""A lake's generations: which are kept, which is current, and the manifest of each.

A folder or a bucket in, manifests and local files out. Readers open it directly; `publish` moves
its pointer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.manifest import (
    FileEntry,
    KeptGeneration,
    Manifest,
    PartEntry,
)
from octane_flows.lake.manifest_json import decode
from octane_flows.lake.storage import FolderStorage, Storage

POINTER = "CURRENT"
_POINTER_REMEDY = (
    'write {"generation": N} into it with the highest N that has a file in the folder generations '
    "next to it, or run octane-flows go-back, which does so."
)


def manifest_path(generation: int) -> str:
    """Where a generation's manifest lies within the lake."""
    return f"generations/{generation:06d}.json"


@dataclass(frozen=True)
class Pointer:
    """The kept generations, the current one last; `body` is the pointer file as it was read."""

    kept: tuple[KeptGeneration, ...] = ()
    body: bytes | None = None


class Lake:
    """Generations in a folder or another storage; opening it reads nothing and writes nothing."""

    def __init__(self, place: Path | Storage) -> None:
        self.storage: Storage = FolderStorage(place) if isinstance(place, Path) else place
        self._decoded: dict[str, tuple[bytes, Manifest]] = {}  # the last ones by path, with heads

    @property
    def folder(self) -> Path:
        """The lake's folder, or this machine's cache of a lake in a bucket."""
        return self.storage.folder

    def current(self) -> Manifest | None:
        """The published manifest, or None before the first extract."""
        kept = self.pointer().kept
        return self.manifest(kept[-1].generation) if kept else None

    def kept(self) -> tuple[KeptGeneration, ...]:
        """The generations that can be opened, the current one last."""
        return self.pointer().kept

    def as_of(self, when: int | datetime) -> Manifest:
        """The manifest of a generation, or the newest one at a moment (UTC). Raises UsageError."""
        kept = self.kept()
        numbers = [
            entry.generation
            for entry in kept
            if (entry.generation == when if isinstance(when, int) else entry.as_of <= when)
        ]
        if not numbers:
            wanted = f"generation {when}" if isinstance(when, int) else f"generation of {when} UTC"
            choice = (
                f"it keeps {len(kept)}, from {kept[0]} to {kept[-1]}"
                if kept
                else "it has no generation yet"
            )
            raise UsageError(f"The lake {self.storage.describe()} has no {wanted}; {choice}.")
        return self.manifest(numbers[-1])

    def pointer(self) -> Pointer:
        """The kept generations, as the pointer file names them."""
        body = self.storage.read(POINTER)
        if body is None:
            if not any(self._follows_another(number) for number in self.written()):
                return Pointer()  # the first one is not written yet
            raise LakeError(
                f"{self.storage.describe(POINTER)} is missing, though generations are there; "
                f"{_POINTER_REMEDY}"
            )
        try:
            content = json.loads(body)
            kept = tuple(
                KeptGeneration(int(entry["generation"]), datetime.fromisoformat(entry["as_of"]))
                for entry in content.get("kept", ())
            )
            generation = int(content["generation"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LakeError(
                f"{self.storage.describe(POINTER)} is damaged; {_POINTER_REMEDY}"
            ) from error
        if not kept or kept[-1].generation != generation:  # written by hand, as the message advises
            kept = (KeptGeneration(generation, self.manifest(generation).as_of),)
        return Pointer(kept, body)

    def manifest(self, generation: int) -> Manifest:
        """The manifest of any generation that is kept."""
        path = manifest_path(generation)
        body = self.storage.read(path)
        if body is None:
            raise LakeError(
                f"Generation {generation} cannot be read from {self.storage.describe(path)}: "
                "no such file; restore it from a backup, or go back to the generation before with: "
                "octane-flows go-back"
            )
        head, manifest = self._decoded.get(path, (b"", None))
        if manifest is not None and head == body:
            for part in manifest.parts.values():  # they may be damaged since
                self._read_part(part)
            return manifest
        manifest = decode(body, self._read_part, where=self.storage.describe(path))
        self._decoded = {**dict([*self._decoded.items()][-1:]), path: (body, manifest)}
        return manifest

    def _read_part(self, part: PartEntry) -> bytes:
        body = self.storage.read(part.path)
        if body is None or sha256(body).hexdigest() != part.sha256:
            fault = "no such file" if body is None else "it is not what its manifest says"
            raise LakeError(
                f"{self.storage.describe(part.path)} cannot be read: {fault}; restore it from a "
                "backup, or go back to the generation before with: octane-flows go-back"
            )
        return body

    def resolve(self, file: FileEntry) -> Path:
        """A local file with the content of a manifest's file."""
        return self.storage.local(file.path, file.sha256)

    def next_generation(self) -> int:
        """One more than the highest generation ever written here, published or not."""
        return max(self._numbers(), default=0) + 1

    def written(self) -> list[int]:
        """The generations that have a manifest, published or not, in order."""
        return sorted(self._numbers())

    def _follows_another(self, generation: int) -> bool:
        """Whether a generation was made after a published one."""
        try:
            return self.manifest(generation).parent is not None
        except LakeError:
            return generation > 1

    def _numbers(self) -> list[int]:
        paths = [Path(file.path) for file in self.storage.list("generations")]
        return [int(path.stem) for path in paths if re.fullmatch(r"[0-9]{6,18}\.json", path.name)]

    def move_pointer(self, kept: Sequence[KeptGeneration], previous: Pointer) -> bool:
        """Let the pointer name these generations; False when it is not `previous` any more."""
        body = {
            "generation": kept[-1].generation,
            "kept": [
                {"generation": entry.generation, "as_of": entry.as_of.isoformat()} for entry in kept
            ],
        }
        return self.storage.swap(POINTER, json.dumps(body).encode(), previous.body)
