"""Expiry: old generations are given up, and the files that no other generation names are deleted.

A lake in, a report of what was (or would be) deleted out; the command line and Dagster call it.
A file that another program has open stays readable for that program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.draft import COMPACTION, made_by
from octane_flows.lake.generations import Lake, manifest_path
from octane_flows.lake.manifest import Kept, Manifest


@dataclass(frozen=True)
class Expiry:
    """What an expiry let go of: generations, and files with their bytes."""

    generations: tuple[Kept, ...]
    kept: tuple[Kept, ...]
    files: tuple[str, ...]
    bytes: int


def expire(
    lake: Lake,
    *,
    keep: int | None = None,
    before: datetime | None = None,
    dry_run: bool = False,
) -> Expiry:
    """Let go of generations beyond the newest `keep`, or older than `before`; never the current.

    Then sweep what no kept generation names: data, manifests and their parts, leftovers of killed
    runs. A file of a run that may still be at work stays: what it reads of a workspace has a higher
    number than what was published of that workspace.
    """
    former = lake.pointer()
    if not former.kept:
        raise UsageError(f"There is nothing to let go of in {lake.storage.describe()}.")
    current = lake.manifest(former.kept[-1].generation)
    newest = former.kept[-keep:] if keep is not None else former.kept
    kept = tuple(
        one
        for one in newest
        if before is None or one.as_of >= before or one.generation == current.generation
    )
    gone = tuple(one for one in former.kept if one not in kept)
    named = _named(lake.manifest(one.generation) for one in kept)
    named |= {manifest_path(one.generation) for one in kept}
    garbage = [
        stored
        for folder in ("data", "generations", "parts")
        for stored in lake.storage.list(folder)
        if stored.path not in named and _is_over(stored.path, current)
    ]
    expiry = Expiry(
        gone, kept, tuple(one.path for one in garbage), sum(one.bytes for one in garbage)
    )
    if dry_run:
        return expiry
    if gone and not lake.move_pointer(kept, former):
        raise LakeError(
            f"Another process published into {lake.storage.describe()} in between; nothing was "
            "let go of. Run it again."
        )
    for one in garbage:
        lake.storage.delete(one.path)
    return expiry


def _named(manifests: Iterable[Manifest]) -> set[str]:
    named: set[str] = set()
    for manifest in manifests:
        named.update(part.path for part in manifest.parts.values())
        for entry in manifest.tables.values():
            named.update(file.path for file in entry.files)
    return named


def _is_over(path: str, current: Manifest) -> bool:
    """Whether no run that is still at work can have written a file that is not named."""
    if not path.startswith("data/"):  # these are written at the end, under the next number
        digits = re.match(r"\d*", PurePosixPath(path).name)
        return int((digits and digits[0]) or 0) <= current.generation
    owner, number = made_by(path)
    newest = current.compaction_stamp if owner == COMPACTION else current.stamp(owner)
    return number <= newest
