"""The lock of writers: extracts run at once, each alone in its workspaces; compaction runs alone.

A folder, a purpose and workspaces in, a context manager out; `extract`, compaction and expiry use
it. The operating system releases the locks when their process ends, also when it is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from octane_flows.errors import LakeError
from octane_flows.lake.file_names import file_name
from octane_flows.lake.leftovers import is_running
from octane_flows.lake.storage import disk_errors

LOCK_FILE = ".writer.lock"  # for all workspaces; extracts share it
POLL_S = 0.5  # how often a waiting process tries again


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
    with ExitStack() as stack:
        if workspaces is None:
            stack.enter_context(_locked(home, None, purpose, fcntl.LOCK_EX, deadline))
        else:
            stack.enter_context(_locked(home, None, purpose, fcntl.LOCK_SH, deadline))
            for workspace in sorted(
                set(workspaces)
            ):  # in one order, so that no two processes deadlock
                stack.enter_context(_locked(home, workspace, purpose, fcntl.LOCK_EX, deadline))
        yield


@contextmanager
def _locked(
    home: Path, workspace: str | None, purpose: str, how: int, deadline: float
) -> Iterator[None]:
    path = _lock_path(home, workspace)
    with disk_errors(path, "write"):
        stream = path.open("a+", encoding="utf-8")
    with stream:
        while not _try_lock(stream, how):
            if time.monotonic() >= deadline:
                place = f"Workspace {workspace} in {home}" if workspace else str(home)
                raise LakeError(
                    f"{place} is being written by {_owner(home, workspace)}; wait for its end, or "
                    "let this command wait with --wait. Nothing was read or changed."
                )
            time.sleep(POLL_S)
        if how == fcntl.LOCK_EX:  # who shares it writes its name in its workspaces' locks
            # a full disk must not stop the commands that free space
            with suppress(OSError):
                os.ftruncate(stream.fileno(), 0)
                os.pwrite(stream.fileno(), json.dumps(_this_process(purpose)).encode(), 0)
        try:
            yield
        finally:
            if how == fcntl.LOCK_EX:
                stream.truncate(0)
            fcntl.flock(stream, fcntl.LOCK_UN)


def _lock_path(home: Path, workspace: str | None) -> Path:
    return home / (f".writer-{file_name(workspace)}.lock" if workspace is not None else LOCK_FILE)


def _try_lock(stream: IO[str], how: int) -> bool:
    try:
        fcntl.flock(stream, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
    for path in paths:
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))
            name = (
                f"{owner['purpose']} (process {owner['process']} on {owner['host']}, since "
                f"{owner['since']})"
            )
            if _may_run(owner):
                return name
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return "another process"


def _may_run(owner: dict[str, Any]) -> bool:
    """Whether the process may still run; a killed process leaves its name in the lock file."""
    if owner["host"] != socket.gethostname():
        return True
    return is_running(int(owner["process"]))
