"""The lock of writers: extracts run at once, each alone in its workspaces; compaction runs alone.

A folder, a purpose and workspaces in, a context manager out; `extract`, compaction and expiry use
it. The operating system releases the locks when their process ends, also when it is killed.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from octane_flows.errors import LakeError
from octane_flows.lake.file_names import file_name
from octane_flows.lake.storage import disk_errors
from octane_flows.portable_files import LockTakenError, exclusive_lock, is_running

#: Held by who writes the whole folder, and by an extract for the moment in which it takes the locks
#: of its workspaces.
LOCK_FILE = ".writer.lock"
POLL_S = 0.5  # how often a waiting process tries again
MOMENT_S = 10.0  # longer than other extracts need to take their locks, on a slow disk


@contextmanager
def write_lock(
    home: Path, purpose: str, *, workspaces: Collection[str] | None = None, wait_s: float = 0.0
) -> Iterator[None]:
    """Lock some workspaces of the data folder for writing; None: the whole folder.

    Waits up to `wait_s` seconds for another process that has locked them. Raises LakeError.
    """
    deadline = time.monotonic() + wait_s
    with disk_errors(home / LOCK_FILE, "write"):
        home.mkdir(parents=True, exist_ok=True)
    while True:
        with ExitStack() as stack:
            try:
                names = _take(stack, home, workspaces)
            except _TakenError as taken:
                if time.monotonic() >= deadline:
                    place = f"Workspace {taken.workspace} in {home}" if taken.workspace else home
                    raise LakeError(
                        f"{place} is being written by {_owner(home, taken.workspace)}; wait for "
                        "its end, or let this command wait with --wait. Nothing was read or "
                        "changed."
                    ) from None
            else:
                stack.enter_context(_named(home, names, purpose))
                yield
                return
        time.sleep(POLL_S)


class _TakenError(Exception):
    """A lock that another process has: of a workspace, or of the whole folder (None)."""

    def __init__(self, workspace: str | None) -> None:
        self.workspace = workspace


def _take(stack: ExitStack, home: Path, workspaces: Collection[str] | None) -> list[Path]:
    """Take all locks or none of them; the locks that shall name this process.

    Only who has the lock of the folder takes others, so no two processes wait for each other, and
    nobody begins to write a workspace while somebody writes the whole folder.
    """
    whole = _lock_path(home, None)
    with ExitStack() as moment:
        _enter(stack if workspaces is None else moment, whole, None, wait_s=_patience(home))
        if workspaces is None:
            for path in sorted(home.glob(".writer-*.lock")):
                _enter(moment, path, None)
            return [whole]
        paths = [_lock_path(home, workspace) for workspace in sorted(set(workspaces))]
        for path, workspace in zip(paths, sorted(set(workspaces)), strict=True):
            _enter(stack, path, workspace)
        return paths


def _enter(stack: ExitStack, path: Path, workspace: str | None, *, wait_s: float = 0.0) -> None:
    with disk_errors(path, "write"):
        try:
            stack.enter_context(exclusive_lock(path, wait_s=wait_s))
        except LockTakenError:
            raise _TakenError(workspace) from None


def _patience(home: Path) -> float:
    """Who writes the whole folder says so; all others have its lock for a moment."""
    return 0.0 if _running_owner(_lock_path(home, None)) else MOMENT_S


@contextmanager
def _named(home: Path, paths: list[Path], purpose: str) -> Iterator[None]:
    """Write this process's name beside the locks, for those who find them taken."""
    text = json.dumps(_this_process(purpose))
    for path in paths:
        with suppress(OSError):  # a full disk must not stop the commands that free space
            _owner_path(path).write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        for path in paths:
            with suppress(OSError):
                _owner_path(path).unlink(missing_ok=True)


def _lock_path(home: Path, workspace: str | None) -> Path:
    return home / (f".writer-{file_name(workspace)}.lock" if workspace is not None else LOCK_FILE)


def _owner_path(lock: Path) -> Path:
    """Windows lets nobody read a locked file, so the owner's name has a file of its own."""
    return lock.with_suffix(".owner")


def _this_process(purpose: str) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _owner(home: Path, workspace: str | None) -> str:
    """The process that locks a workspace, or any part of the folder (`workspace` None)."""
    paths = [_lock_path(home, workspace)]
    if workspace is None:
        paths += sorted(home.glob(".writer-*.lock"))
    names = (name for path in paths if (name := _running_owner(path)))
    return next(names, "another process")


def _running_owner(lock: Path) -> str | None:
    """Who has the lock; None: nobody, or a process that was killed and left its name."""
    try:
        owner = json.loads(_owner_path(lock).read_text(encoding="utf-8"))
        name = (
            f"{owner['purpose']} (process {owner['process']} on {owner['host']}, since "
            f"{owner['since']})"
        )
        return name if _may_run(owner) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _may_run(owner: dict[str, Any]) -> bool:
    if owner["host"] != socket.gethostname():
        return True
    return is_running(int(owner["process"]))
