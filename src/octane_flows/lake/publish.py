"""Publishing: one of several processes at a time moves the pointer, the others try again after it.

A lake and a function that makes the manifest after the newest generation in, the published
manifest out; drafts and compaction call it. A failed attempt changes nothing.
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
from octane_flows.lake.manifest import KeptGeneration, Manifest, PartEntry
from octane_flows.lake.manifest_json import encode_head, encode_parts

#: The newest generation (None: there is none) and the next number in, the next manifest out.
MakeManifest: TypeAlias = Callable[[Manifest | None, int], Manifest]

PATIENCE_S: Final = 5.0  # a live process needs milliseconds from manifest to pointer
POLL_S: Final = 0.05
MAX_ATTEMPTS: Final = 1000  # an attempt fails only when another process publishes


def publish(lake: Lake, make: MakeManifest, *, least: int) -> Manifest:
    """Write a manifest and its parts, then move the pointer to it in one step.

    `least` is the lowest number that the manifest may get. Raises LakeError and the errors of
    `make`.
    """
    for attempt in range(MAX_ATTEMPTS):
        previous = lake.pointer()
        newest = previous.kept[-1].generation if previous.kept else 0
        number = max(least, newest + 1)
        if lake.storage.read(manifest_path(number)) is not None:
            # another process is about to move the pointer there, or was killed before it could
            if not _pointer_moves(lake, previous):
                least = lake.next_generation()
            continue
        head = lake.manifest(newest) if newest else None
        published = _attempt(lake, make(head, number), head, previous)
        if published is not None:
            return published
        time.sleep(random.uniform(0, POLL_S) * min(attempt, 10))
    raise LakeError(
        f"Other processes published into {lake.storage.describe()} before each of "
        f"{MAX_ATTEMPTS} attempts; nothing of this process was published. Run it again when "
        "fewer processes write."
    )


def _attempt(
    lake: Lake, manifest: Manifest, head: Manifest | None, previous: Pointer
) -> Manifest | None:
    """The published manifest; None when another process was first."""
    parts, new = _write_parts(lake, manifest, head)
    manifest = replace(manifest, parts=parts)
    path, body = manifest_path(manifest.generation), encode_head(manifest)
    created = lake.storage.create(path, body)
    if created and (
        lake.move_pointer(
            (*previous.kept, KeptGeneration(manifest.generation, manifest.as_of)), previous
        )
        or _is_published(lake, manifest.generation, path, body)
    ):
        return manifest
    for unused in ([path] if created else []) + new:
        lake.storage.delete(unused)
    return None


def _is_published(lake: Lake, generation: int, path: str, body: bytes) -> bool:
    """Whether the pointer did move, though the storage reported a failure."""
    is_kept = any(entry.generation == generation for entry in lake.kept())
    return is_kept and lake.storage.read(path) == body


def _pointer_moves(lake: Lake, previous: Pointer) -> bool:
    """Whether another process moves the pointer within PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if lake.pointer().body != previous.body:
            return True
        time.sleep(POLL_S)
    return False


def _write_parts(
    lake: Lake, manifest: Manifest, head: Manifest | None
) -> tuple[dict[str, PartEntry], list[str]]:
    """Write the parts that differ from the newest generation's; give all, and the new paths.

    An expiry never deletes the newest generation's parts, so this manifest can name them too.
    """
    previous = head.parts if head is not None else {}
    parts: dict[str, PartEntry] = {}
    new: list[str] = []
    token = secrets.token_hex(3)
    for name, body in encode_parts(manifest).items():
        path = f"parts/{manifest.generation:06d}-{token}-{name}.json"
        part = PartEntry(path, len(body), sha256(body).hexdigest())
        shared = previous.get(name)
        if shared is not None and shared.sha256 == part.sha256:
            part = shared
        elif lake.storage.create(path, body):
            new.append(path)
        else:
            raise LakeError(
                f"{lake.storage.describe(path)} exists already; nothing was published. Run it "
                "again."
            )
        parts[name] = part
    return parts, new
