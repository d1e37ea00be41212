"""Where a lake's files lie, behind six operations: a folder here, a bucket in `bucket`.

Paths within the lake, bytes and finished local files in; the lake's guarantees rest on `create` and
`swap`, which one of two writers at most wins. Only `store`, `files` and upkeep call it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from octane_flows.errors import LakeError

LOCK = ".pointer.lock"


@dataclass(frozen=True)
class Stored:
    """One file of the lake: path within it and size in bytes."""

    path: str
    bytes: int


class Storage(Protocol):
    """A place for immutable files and one pointer; every failure is a `LakeError`."""

    @property
    def folder(self) -> Path:
        """A local folder: the lake itself, or what is kept of it on this machine."""

    def describe(self, path: str = "") -> str:
        """How to name a file to the user."""

    def read(self, path: str) -> bytes | None:
        """A small file whole; None when it is not there."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Every file below a folder of the lake."""

    def scratch(self, path: str) -> Path:
        """Where to write a file on this machine before it is added."""

    def add(self, path: str, local: Path, sha256: str) -> None:
        """Take a finished local file over; it is safe against a crash when this returns."""

    def create(self, path: str, body: bytes) -> bool:
        """Write a small file that must not be there yet; False when it is."""

    def swap(self, path: str, body: bytes, former: bytes | None) -> bool:
        """Replace a small file if its content is still `former` (None: absent); else False."""

    def local(self, path: str, sha256: str) -> Path:
        """A local file with the content; it may be missing when the lake lacks it."""

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""


class FolderStorage:
    """A lake in a folder of this machine or a mounted share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """The lake's folder."""
        return self._folder

    def describe(self, path: str = "") -> str:
        """The file's path."""
        return str(self._folder / path)

    def read(self, path: str) -> bytes | None:
        """A small file whole; None when it is not there."""
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(
                f"Could not read {self.describe(path)}: {error.strerror}; give OCTANE_HOME a "
                "folder that you may read and write."
            ) from error

    def list(self, prefix: str) -> Iterator[Stored]:
        """Every file below a folder of the lake, in order."""
        for found in sorted((self._folder / prefix).rglob("*")):
            with suppress(FileNotFoundError):  # somebody else let go of it just now
                if found.is_file():
                    yield Stored(found.relative_to(self._folder).as_posix(), found.stat().st_size)

    def scratch(self, path: str) -> Path:
        """Beside its later place, under a name nobody reads."""
        return (self._folder / path).with_suffix(".parquet.part")

    def add(self, path: str, local: Path, sha256: str) -> None:
        """Sync and rename."""
        target = self._folder / path
        with disk_errors(target, "write"):
            make_folder(target.parent)
            sync_file(local)
            local.replace(target)
            sync_file(target.parent)

    def create(self, path: str, body: bytes) -> bool:
        """Write a small file that must not be there yet; False when it is."""
        target = self._folder / path
        with disk_errors(target, "write"):
            make_folder(target.parent)
            try:
                stream = target.open("xb")
            except FileExistsError:
                return False
            try:
                with stream:
                    stream.write(body)
                    stream.flush()
                    os.fsync(stream.fileno())
            except OSError:  # the disk is full: half a file is none
                target.unlink()
                raise
            sync_file(target.parent)
        return True

    def swap(self, path: str, body: bytes, former: bytes | None) -> bool:
        """Compare and rename under a lock that the operating system drops with its process."""
        target = self._folder / path
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        with disk_errors(target, "write"):
            make_folder(target.parent)
            with (self._folder / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self.read(path) != former:
                    return False
                try:
                    aside.write_bytes(body)
                    sync_file(aside)
                    aside.replace(target)
                finally:
                    aside.unlink(missing_ok=True)
                sync_file(target.parent)
        return True

    def local(self, path: str, sha256: str) -> Path:
        """The file itself."""
        return self._folder / path

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is no error."""
        target = self._folder / path
        with disk_errors(target, "delete"):
            target.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Create a folder with those above it, so that a crash does not lose their names."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_file(folder.parent)


def sync_file(path: Path) -> None:
    """Have the operating system put a file (or a folder's entries) on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn an operating system's refusal into one sentence that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise LakeError(
            f"Could not {verb} {path}: {error.strerror or error}; free space or give OCTANE_HOME "
            "a folder that you may write. The former generation is still whole."
        ) from error
