"""The file that a build writes beside the published one, from its opening to the one rename.

A target and the generation that is built come in; an open connection, and at the end a published
file, go out. `warehouse_build` uses it. Of an update the draft is the version before the published
one (`spare_file`), a clone or a copy, where one of them can be brought up to date.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from octane_flows.errors import LakeError, ModelError
from octane_flows.lake.leftovers import delete_leftovers, process_tag
from octane_flows.portable_files import (
    OPEN_FILES_STAY,
    LockTakenError,
    clone_file,
    exclusive_lock,
    put_in_place,
    sync_file,
)
from octane_flows.warehouse.duckdb_file import (
    delete_write_log,
    is_machine_full,
    open_file,
    require_no_folder,
)
from octane_flows.warehouse.incremental.table_changes import read_loaded
from octane_flows.warehouse.spare_file import delete_spare, keep_spare, spare_path, take_spare

LOCK = ".publish.lock"
LOCK_WAIT_S = 600.0  # it is held for one look at the published file and one rename
READ_ONLY = 0o444  # of the modes that the user's umask allows; readers need no more

#: Whether the open draft can be brought up to date; True in: it is the spare, so without a copy.
Suits = Callable[[bool], bool]


class DraftFile:
    """The draft of one generation of `target`; `has_spare`: versions of it may be brought up."""

    def __init__(self, target: Path, generation: int, *, has_spare: bool) -> None:
        self.target = target
        self.path = target.with_name(f".{target.stem}-{generation}-{process_tag()}.duckdb")
        self._generation = generation
        self._target_identity = _identity(target)
        self._has_spare = has_spare
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection to the open draft. Raises ModelError where it is not open."""
        if self._connection is None:
            raise ModelError("The warehouse is not open; use it in a with statement.")
        return self._connection

    def open_new(self) -> None:
        """Open an empty file; the spare goes, for the space that the new file needs."""
        self._clear()
        if self._has_spare:
            delete_spare(self.target)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._connection = open_file(self.path, read_only=False)

    def open_previous(self, suits: Suits) -> bool:
        """Open a version of the target that `suits`; False: there is none, and none is open."""
        self._clear()
        if self._open_spare(suits) or self._open_copy(suits):
            return True
        self.discard()
        return False

    def _clear(self) -> None:
        require_no_folder(self.target)
        self.discard()
        delete_leftovers(self.target.parent, f".{self.target.stem}-")

    def _open_spare(self, suits: Suits) -> bool:
        """Open the version before the published one if an update of it costs no copy, and no more.

        It is gone where it is not used, so that a copy finds the space that it took.
        """
        if not (self._has_spare and self.target.is_file() and spare_path(self.target).is_file()):
            return False
        try:
            if self._published_generation() >= self._generation:
                return False  # it has all already
        except LakeError:
            return False  # damaged: a new one takes its place
        if take_spare(self.target, self.path) and self._open_written() and suits(True):
            return True
        self.discard()
        return False

    def _open_copy(self, suits: Suits) -> bool:
        if self._has_spare:
            delete_spare(self.target)
        if not self.target.is_file():
            return False
        if clone_file(self.target, self.path):
            self._has_spare = False  # nothing is copied, so there is nothing to save
        else:
            shutil.copyfile(self.target, self.path)  # without the mode, which is read-only
        return self._open_written() and suits(False)

    def _open_written(self) -> bool:
        """Open the draft that another build wrote; False: it is no warehouse, or damaged."""
        try:
            self._connection = open_file(self.path, read_only=False)
        except LakeError as error:
            if error.__cause__ is not None and is_machine_full(error.__cause__):
                raise
            return False
        return True

    def publish(self) -> int | None:
        """Flush the draft and let it take the place of the target in one rename.

        A newer one that another build published meanwhile stays: its generation is returned.
        """
        self.connection.execute("checkpoint")
        self.connection.close()
        self._connection = None
        sync_file(self.path)
        lock = self.target.with_name(LOCK)
        try:
            with exclusive_lock(lock, wait_s=LOCK_WAIT_S):
                newer = self._published_meanwhile()
                if newer is None:
                    self._take_its_place()
        except LockTakenError:
            raise LakeError(
                f"Another process has held the lock {lock} for {LOCK_WAIT_S:.0f} s, so nothing "
                "was published; end that process, and run 'octane-flows build'. The previous "
                "warehouse stays."
            ) from None
        return newer

    def _take_its_place(self) -> None:
        delete_write_log(self.target)
        if not OPEN_FILES_STAY:  # Windows would not replace a read-only file at the next build
            self.path.chmod(self.path.stat().st_mode & READ_ONLY)
        if self._has_spare:
            keep_spare(self.target)
        put_in_place(self.path, self.target)
        sync_file(self.target.parent)

    def _published_meanwhile(self) -> int | None:
        """The generation that another build published, if it is newer than this one's."""
        if _identity(self.target) in (None, self._target_identity):
            return None
        newest = self._published_generation()
        return newest if newest > self._generation else None

    def _published_generation(self) -> int:
        """0 of a file that is no warehouse."""
        with open_file(self.target, read_only=True) as connection:
            loaded = read_loaded(connection)
        return loaded.generation if loaded is not None else 0

    def discard(self) -> None:
        """Close and delete the draft, if it is still there."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for suffix in ("", ".wal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        shutil.rmtree(self.path.with_name(self.path.name + ".tmp"), ignore_errors=True)


def _identity(path: Path) -> tuple[int, int] | None:
    """What differs as soon as another file stands at this path; None when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
