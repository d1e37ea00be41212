"""Expiry: old generations are given up, and the files that no other generation names are deleted.

A lake in, a report of what was (or would be) deleted out; the command line and Dagster call it.
A file that another program has open stays readable for that program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.draft import COMPACTION, file_origin
from octane_flows.lake.generations import Lake, manifest_path
from octane_flows.lake.manifest import KeptGeneration, Manifest


@dataclass(frozen=True)
class Expiry:
    """What an expiry removed: generations, and files with their bytes."""

    expired: tuple[KeptGeneration, ...]
    kept: tuple[KeptGeneration, ...]
    files: tuple[str, ...]
    bytes: int


def expire(
    lake: Lake,
    *,
    keep: int | None = None,
    before: datetime | None = None,
    dry_run: bool = False,
) -> Expiry:
    """Remove generations beyond the newest `keep`, or older than `before`, but not the current one.

    Then delete the files that no kept generation names: data, manifests and their parts, leftovers
    of killed runs. A file of a run that may still be active stays: it has a higher number than the
    newest published rows of its workspace. Raises UsageError without a generation, and LakeError
    when another process publishes meanwhile.
    """
    pointer = lake.pointer()
    if not pointer.kept:
        raise UsageError(f"There is no generation to expire in {lake.storage.describe()}.")
    current = lake.manifest(pointer.kept[-1].generation)
    newest = pointer.kept[-keep:] if keep is not None else pointer.kept
    kept = tuple(
        entry
        for entry in newest
        if before is None or entry.as_of >= before or entry.generation == current.generation
    )
    expired = tuple(entry for entry in pointer.kept if entry not in kept)
    manifests = {entry.generation: lake.manifest(entry.generation) for entry in pointer.kept}
    stamps: dict[str, int] = {}  # of all workspaces, and of those that were let go of
    for manifest in manifests.values():
        for workspace, of_workspace in manifest.workspaces.items():
            stamps[workspace] = max(stamps.get(workspace, 0), of_workspace.stamp)
    named = _named_files(manifests[entry.generation] for entry in kept)
    named |= {manifest_path(entry.generation) for entry in kept}
    unnamed = [
        file
        for folder in ("data", "generations", "parts")
        for file in lake.storage.list(folder)
        if file.path not in named and _has_ended(file.path, current, stamps)
    ]
    expiry = Expiry(
        expired, kept, tuple(file.path for file in unnamed), sum(file.bytes for file in unnamed)
    )
    if dry_run:
        return expiry
    if expired and not lake.move_pointer(kept, pointer):
        raise LakeError(
            f"Another process published into {lake.storage.describe()} meanwhile; nothing was "
            "removed. Run it again."
        )
    for file in unnamed:
        lake.storage.delete(file.path)
    return expiry


def _named_files(manifests: Iterable[Manifest]) -> set[str]:
    named: set[str] = set()
    for manifest in manifests:
        named.update(part.path for part in manifest.parts.values())
        for entry in manifest.tables.values():
            named.update(file.path for file in entry.files)
    return named


def _has_ended(path: str, current: Manifest, stamps: Mapping[str, int]) -> bool:
    """Whether the run that wrote a file must have ended."""
    if not path.startswith(
        "data/"
    ):  # manifests and parts are written at the end, under the next number
        digits = re.match(r"\d*", PurePosixPath(path).name)
        return int((digits and digits[0]) or 0) <= current.generation
    owner, number = file_origin(path)
    newest = current.compaction_stamp if owner == COMPACTION else stamps.get(owner, 0)
    return number <= newest
