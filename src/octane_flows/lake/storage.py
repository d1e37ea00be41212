"""Storage of a lake's files: the operations that a lake needs, and a folder that has them.

Paths within the lake, bytes and finished local files in. The lake's guarantees rest on `create` and
`swap`: of two writers at once, one at most succeeds. Only modules of the lake call it; `bucket` has
the same operations for a bucket.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from octane_flows.disk_remedies import disk_remedy
from octane_flows.errors import LakeError
from octane_flows.portable_files import (
    HeldFileError,
    LockTakenError,
    delete_unless_open,
    exclusive_lock,
    patiently,
    put_in_place,
    sync_file,
)

LOCK = ".pointer.lock"
LOCK_WAIT_S = 600.0  # it is held for one comparison and one rename


@dataclass(frozen=True)
class StoredFile:
    """One file of the lake: its path within the lake, and its size in bytes."""

    path: str
    bytes: int


class Storage(Protocol):
    """Immutable files and one pointer; every failure is a `LakeError`."""

    @property
    def folder(self) -> Path:
        """A local folder: the lake itself, or this machine's cache of it."""

    def describe(self, path: str = "") -> str:
        """How to name a file to the user."""

    def read(self, path: str) -> bytes | None:
        """The content of a small file; None when it does not exist."""

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Every file below a folder of the lake."""

    def scratch(self, path: str) -> Path:
        """Where to write a file on this machine before it is added."""

    def add(self, path: str, local: Path, sha256: str) -> None:
        """Move a finished local file into the lake; afterwards a crash cannot lose it."""

    def create(self, path: str, body: bytes) -> bool:
        """Write a small file that must not exist yet; False when it does."""

    def swap(self, path: str, body: bytes, previous: bytes | None) -> bool:
        """Replace a small file if its content is still `previous` (None: no file); else False."""

    def local(self, path: str, sha256: str) -> Path:
        """The path of a local file with the content; without a check that the lake has it."""

    def delete(self, path: str) -> None:
        """Delete a file; a file that does not exist is no error."""


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
        """The content of a small file; None when it does not exist."""
        file = self._folder / path
        try:
            self._require_file(file)
            return patiently(file.read_bytes, file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LakeError(
                f"Could not read {self.describe(path)}: {error.strerror}; give OCTANE_HOME a "
                "folder that you may read and write."
            ) from error

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Every file below a folder of the lake, in order."""
        for path in sorted((self._folder / prefix).rglob("*")):
            with suppress(FileNotFoundError):  # another process deleted it just now
                if path.is_file():
                    yield StoredFile(path.relative_to(self._folder).as_posix(), path.stat().st_size)

    def scratch(self, path: str) -> Path:
        """Next to its later path, under a name that nobody reads."""
        return (self._folder / path).with_suffix(".parquet.part")

    def add(self, path: str, local: Path, sha256: str) -> None:
        """Sync and rename."""
        target = self._folder / path
        with disk_errors(target, "write"):
            make_folder(target.parent)
            sync_file(local)
            put_in_place(local, target)
            sync_file(target.parent)

    def create(self, path: str, body: bytes) -> bool:
        """Write a small file that must not exist yet; False when it does."""
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
            except OSError:  # the disk is full; an incomplete file must not stay
                target.unlink()
                raise
            sync_file(target.parent)
        return True

    def swap(self, path: str, body: bytes, previous: bytes | None) -> bool:
        """Compare and rename under a lock that the operating system releases with its process."""
        target = self._folder / path
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        with disk_errors(target, "write"):
            make_folder(target.parent)
            try:
                with exclusive_lock(self._folder / LOCK, wait_s=LOCK_WAIT_S):
                    if self.read(path) != previous:
                        return False
                    try:
                        temporary.write_bytes(body)
                        sync_file(temporary)
                        put_in_place(temporary, target)
                    finally:
                        temporary.unlink(missing_ok=True)
                    sync_file(target.parent)
            except LockTakenError:
                raise LakeError(
                    f"Another process has held the lock {self.describe(LOCK)} for "
                    f"{LOCK_WAIT_S:.0f} s, so nothing was published; end that process, and run "
                    "this again."
                ) from None
        return True

    def local(self, path: str, sha256: str) -> Path:
        """The file itself. Raises LakeError where something else is in its place."""
        file = self._folder / path
        with suppress(OSError):  # whoever reads it says what is wrong
            self._require_file(file)
        return file

    def _require_file(self, file: Path) -> None:
        """Raise LakeError for a pipe, which would never end, a device or a folder."""
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "folder" if stat.S_ISDIR(mode) else "pipe or a device"
            raise LakeError(
                f"{file} is a {kind} and no file; move it away, and put the file of a backup there."
            )

    def delete(self, path: str) -> None:
        """Delete a file that may be gone; on Windows one that is open stays for the next expiry."""
        target = self._folder / path
        with disk_errors(target, "delete"):
            delete_unless_open(target)


def make_folder(folder: Path) -> None:
    """Create a folder and the folders above it, so that a crash does not lose their names."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_file(folder.parent)


@contextmanager
def disk_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn an error of the operating system into one sentence: the file, the error, the remedy."""
    try:
        yield
    except HeldFileError as error:
        raise LakeError(
            f"Could not {verb} {path}: {error.strerror}. The previous generation is still whole."
        ) from error
    except OSError as error:
        remedy = disk_remedy(error, path, "give OCTANE_HOME a folder that you may write")
        raise LakeError(
            f"Could not {verb} {path}: {error.strerror or error}; {remedy}. The previous "
            "generation is still whole."
        ) from error
