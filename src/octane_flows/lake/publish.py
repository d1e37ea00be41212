"""Publishing: one of many processes at a time moves the pointer, the others try again behind it.

A lake and a function that makes the manifest after the newest generation in, the published
manifest out; drafts and compaction call it. Whoever loses changes nothing.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final, TypeAlias

from octane_flows.errors import LakeError
from octane_flows.lake.generations import Lake, Pointer, manifest_path
from octane_flows.lake.manifest import Kept, Manifest, PartEntry
from octane_flows.lake.manifest_json import encode_head, encode_parts

#: Gives the manifest of that number after the newest generation (None: there is none).
Make: TypeAlias = Callable[[Manifest | None, int], Manifest]

PATIENCE_S: Final = 5.0  # from manifest to pointer it takes milliseconds, unless one was killed
POLL_S: Final = 0.05
MOST_TRIES: Final = 1000  # each one lost is one that somebody else won


def publish(lake: Lake, make: Make, *, least: int) -> Manifest:
    """Write a manifest and its parts, then move the pointer to it in one step.

    `least` is the lowest number that it may get. Raises LakeError, and what `make` raises.
    """
    for tries in range(MOST_TRIES):
        former = lake.pointer()
        newest = former.kept[-1].generation if former.kept else 0
        number = max(least, newest + 1)
        if lake.storage.read(manifest_path(number)) is not None:
            # somebody is about to move the pointer there, or was killed before
            if not _moves(lake, former):
                least = lake.next_generation()
            continue
        head = lake.manifest(newest) if newest else None
        published = _attempt(lake, make(head, number), head, former)
        if published is not None:
            return published
        time.sleep(random.uniform(0, POLL_S) * min(tries, 10))
    raise LakeError(
        f"Others published into {lake.storage.describe()} before each of {MOST_TRIES} attempts; "
        "nothing of this one was published. Run it again when fewer write."
    )


def _attempt(
    lake: Lake, manifest: Manifest, head: Manifest | None, former: Pointer
) -> Manifest | None:
    """The published manifest; None when somebody else was first."""
    parts, new = _write_parts(lake, manifest, head)
    manifest = replace(manifest, parts=parts)
    path, body = manifest_path(manifest.generation), encode_head(manifest)
    created = lake.storage.create(path, body)
    if created and (
        lake.move_pointer((*former.kept, Kept(manifest.generation, manifest.as_of)), former)
        or _is_there(lake, manifest.generation, path, body)
    ):
        return manifest
    for one in ([path] if created else []) + new:
        lake.storage.delete(one)
    return None


def _is_there(lake: Lake, generation: int, path: str, body: bytes) -> bool:
    """Whether the pointer did move, though its answer was lost and others moved it on."""
    kept = any(one.generation == generation for one in lake.kept())
    return kept and lake.storage.read(path) == body


def _moves(lake: Lake, former: Pointer) -> bool:
    """Whether the pointer leaves `former` within a while."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if lake.pointer().body != former.body:
            return True
        time.sleep(POLL_S)
    return False


def _write_parts(
    lake: Lake, manifest: Manifest, head: Manifest | None
) -> tuple[dict[str, PartEntry], list[str]]:
    """Write the parts that are not the newest generation's; gives all, and the paths of the new.

    The newest generation's parts are never swept, and if this one is published they are still so.
    """
    former = head.parts if head is not None else {}
    parts: dict[str, PartEntry] = {}
    new: list[str] = []
    token = secrets.token_hex(3)
    for name, body in encode_parts(manifest).items():
        path = f"parts/{manifest.generation:06d}-{token}-{name}.json"
        part = PartEntry(path, len(body), sha256(body).hexdigest())
        shared = former.get(name)
        if shared is not None and shared.sha256 == part.sha256:
            part = shared
        elif lake.storage.create(path, body):
            new.append(path)
        else:
            raise LakeError(
                f"{lake.storage.describe(path)} is there already; nothing was published. Run it "
                "again."
            )
        parts[name] = part
    return parts, new
