"""Files that lie beside the warehouse, such as the report: readers see the old one or the new one.

A path and its bytes in; the report, its exports, the record of comparisons and the answers that a
user wants in a file are written so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from octane_flows.disk_remedies import disk_remedy
from octane_flows.errors import LakeError
from octane_flows.lake.leftovers import delete_leftovers, process_tag
from octane_flows.portable_files import HeldFileError, put_in_place


def replace_file(target: Path, content: bytes) -> None:
    """Write a file aside and let it take its place. Raises LakeError."""
    with written_aside(target) as path:
        path.write_bytes(content)


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """A path to write to, whose file then takes the place of `target`; what no rename can replace,
    such as a device or a link, is written itself. Raises LakeError.
    """
    try:
        is_replaced = not target.is_symlink() and (target.is_file() or not target.exists())
    except PermissionError as error:  # of a folder above
        raise _not_written(target, error) from error
    start = f".{target.name}-"
    path = target.with_name(f"{start}{process_tag()}") if is_replaced else target
    if is_replaced:  # what a process that was killed has left
        delete_leftovers(target.parent, start)
    try:
        yield path
        if is_replaced:
            put_in_place(path, target)
    except BaseException as error:
        if is_replaced:
            with suppress(OSError):  # also where its folder is none
                path.unlink()
        if not isinstance(error, OSError):
            raise
        stays = " What was there stays." if is_replaced and target.exists() else ""
        if isinstance(error, HeldFileError):
            raise LakeError(f"Could not write {target}: {error.strerror}.{stays}") from error
        raise _not_written(target, error, stays) from error


def _not_written(target: Path, error: OSError, stays: str = "") -> LakeError:
    remedy = disk_remedy(error, target, "choose another folder")
    return LakeError(f"Could not write {target}: {error.strerror or error}; {remedy}.{stays}")
