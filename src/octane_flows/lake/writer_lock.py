"""Who writes: extracts side by side, each alone in its workspaces; upkeep with nobody beside it.

A folder, a purpose and workspaces in, a context manager out; `extract` and upkeep of the lake hold
it. The operating system lets go of the locks when their process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from octane_flows.errors import LakeError
from octane_flows.lake.leftovers import is_running
from octane_flows.lake.storage import disk_errors

LOCK_FILE = ".writer.lock"  # of all workspaces; extracts share it
POLL_S = 0.5  # how often a waiting process looks again


@contextmanager
def write_lock(
    home: Path, purpose: str, *, workspaces: Collection[str] | None = None, wait_s: float = 0.0
) -> Iterator[None]:
    """Hold some workspaces of the data folder for writing; None: all of them, and alone.

    Waits up to `wait_s` seconds for whoever holds one of them. Raises LakeError.
    """
    deadline = time.monotonic() + wait_s
    with disk_errors(home / LOCK_FILE, "write"):
        home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if workspaces is None:
            stack.enter_context(_held(home, None, purpose, fcntl.LOCK_EX, deadline))
        else:
            stack.enter_context(_held(home, None, purpose, fcntl.LOCK_SH, deadline))
            for one in sorted(set(workspaces)):  # in one order, so that no two wait for each other
                stack.enter_context(_held(home, one, purpose, fcntl.LOCK_EX, deadline))
        yield


@contextmanager
def _held(
    home: Path, workspace: str | None, purpose: str, how: int, deadline: float
) -> Iterator[None]:
    path = _lock_path(home, workspace)
    with disk_errors(path, "write"):
        stream = path.open("a+", encoding="utf-8")
    with stream:
        while not _taken(stream, how):
            if time.monotonic() >= deadline:
                what = f"Workspace {workspace} in {home}" if workspace else str(home)
                raise LakeError(
                    f"{what} is being written by {_owner(home, workspace)}; wait for it to end, or "
                    "use --wait to have this one wait. Nothing was read or changed."
                )
            time.sleep(POLL_S)
        if how == fcntl.LOCK_EX:  # those who share one name themselves in their workspaces' locks
            stream.truncate(0)
            stream.write(json.dumps(_myself(purpose)))
            stream.flush()
        try:
            yield
        finally:
            if how == fcntl.LOCK_EX:
                stream.truncate(0)
            fcntl.flock(stream, fcntl.LOCK_UN)


def _lock_path(home: Path, workspace: str | None) -> Path:
    return home / (f".writer-{workspace}.lock" if workspace is not None else LOCK_FILE)


def _taken(stream: IO[str], how: int) -> bool:
    try:
        fcntl.flock(stream, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _myself(purpose: str) -> dict[str, Any]:
    return {
        "purpose": purpose,
        "process": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _owner(home: Path, workspace: str | None) -> str:
    """Who holds a workspace, or keeps whoever wants the whole folder from it."""
    paths = [_lock_path(home, workspace)]
    if workspace is None:
        paths += sorted(home.glob(".writer-*.lock"))
    for path in paths:
        try:
            owner = json.loads(path.read_text(encoding="utf-8"))
            told = (
                f"{owner['purpose']} (process {owner['process']} on {owner['host']}, since "
                f"{owner['since']})"
            )
            if _is_alive(owner):
                return told
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return "another process"


def _is_alive(owner: dict[str, Any]) -> bool:
    """Whether the process may still run; a killed one leaves its name behind."""
    if owner["host"] != socket.gethostname():
        return True
    return is_running(int(owner["process"]))
