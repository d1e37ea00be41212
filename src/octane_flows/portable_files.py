"""What Linux, macOS and Windows do each in its own way: lock, replace, delete and sync a file.

Paths in; whatever writes files that others read or write at the same time calls it. Nothing else
may use `fcntl` or another module that one of the systems lacks.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

IS_WINDOWS: Final = os.name == "nt"
IS_LINUX: Final = sys.platform == "linux"
#: Windows neither replaces nor deletes a file that a program has open; other systems do.
OPEN_FILES_STAY = IS_WINDOWS
HELD_WAIT_S: Final = 30.0  # a query or a virus scanner has ended by then; an open viewer has not
HELD_POLL_S: Final = 0.2
LOCK_POLL_S: Final = 0.1
#: Of `ioctl`, in Linux: a file gets the blocks of another, which both share until one is written.
FICLONE: Final = 0x40049409
HELD = (
    "another program has it open, and Windows does not replace open files; close it there (a "
    "database viewer, a notebook, Excel, another octane-flows), and run this again"
)

Result = TypeVar("Result")


class LockTakenError(Exception):
    """Another process, or another part of this one, has the lock."""


class HeldFileError(PermissionError):
    """A file that cannot be replaced, because a program has it open."""


@contextmanager
def exclusive_lock(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of a file. Raises LockTakenError where somebody else holds it for `wait_s`.

    The operating system releases it when its process ends, also when it is killed. The file has
    the rights that the process's umask leaves, so it is as private as the data beside it.
    """
    from filelock import FileLock, Timeout  # a tenth of a second that readers need not wait for

    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=max(0.0, wait_s), poll_interval=LOCK_POLL_S)
    except Timeout:
        raise LockTakenError(str(path)) from None
    try:
        yield
    finally:
        lock.release()


def put_in_place(source: Path, target: Path, *, wait_s: float = HELD_WAIT_S) -> None:
    """Let a finished file take the place of another. Raises OSError.

    Readers see the old file or the new one. On Windows it waits up to `wait_s` for programs that
    have the old one open; after that it raises HeldFileError.
    """
    patiently(lambda: source.replace(target), target, wait_s=wait_s)


def patiently(
    operation: Callable[[], Result], path: Path, *, wait_s: float = HELD_WAIT_S
) -> Result:
    """Repeat on Windows what is refused because another program has the file open."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return operation()
        except PermissionError as error:
            if not OPEN_FILES_STAY:
                raise
            if time.monotonic() >= deadline:
                raise HeldFileError(errno.EACCES, HELD, str(path)) from error
            time.sleep(HELD_POLL_S)


def delete_unless_open(path: Path) -> None:
    """Delete a file that may be gone; on Windows, one that a program has open stays."""
    with suppress(*((PermissionError,) if OPEN_FILES_STAY else ())):
        path.unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Let the operating system write a file, or a folder's entries, to the disk."""
    if IS_WINDOWS and path.is_dir():  # it has no such operation; its file systems keep a journal
        return
    descriptor = os.open(path, os.O_RDWR if IS_WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clone_file(source: Path, target: Path) -> bool:
    """Make `target` a file that shares its blocks with `source`; False where that is not possible.

    Btrfs, XFS and some network file systems can: whatever the size, nothing is copied, and what is
    written to one of the files is not seen in the other.
    """
    if not IS_LINUX:
        return False
    try:
        from fcntl import ioctl

        with source.open("rb") as original, target.open("wb") as clone:
            ioctl(clone.fileno(), FICLONE, original.fileno())
    except (ImportError, OSError):
        return False
    return True


def is_open_nowhere(path: Path) -> bool:
    """Whether no process of this machine, this one included, has the file open; False if unsure.

    Linux grants a lease for writing only to the one who has a file open alone: whether others
    lock it, map it into memory or only read it makes no difference.
    """
    if not IS_LINUX:
        return False
    try:
        from fcntl import F_SETLEASE, F_UNLCK, F_WRLCK, fcntl

        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl(descriptor, F_SETLEASE, F_WRLCK)
            fcntl(descriptor, F_SETLEASE, F_UNLCK)
        finally:
            os.close(descriptor)
    except (ImportError, OSError):
        return False
    return True


def file_system(path: Path) -> str | None:
    """The kind of the file system that a file lies in, as in `ext4`; None if that is not clear."""
    try:
        device = path.stat().st_dev
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        number = f"{os.major(device)}:{os.minor(device)}"
    except (AttributeError, OSError):
        return None
    kinds = {
        line.partition(" - ")[2].split()[0]
        for line in mounts.splitlines()
        if line.split()[2] == number
    }
    return kinds.pop() if len(kinds) == 1 else None


def is_running(process: int) -> bool:
    """Whether a process of this machine may still run."""
    if IS_WINDOWS:  # os.kill would end it there
        import psutil

        return bool(psutil.pid_exists(process))
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user
        return True
    return True
