"""One writer at a time: a lock file in the data folder that names its owner.

A folder and a purpose in, a context manager out; `extract` and upkeep of the lake hold it. The
operating system lets go of the lock when its process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from octane_flows.errors import LakeError
from octane_flows.lake.storage import disk_errors

LOCK_FILE = ".writer.lock"
POLL_S = 0.5  # how often a waiting process looks again


@contextmanager
def hold(home: Path, purpose: str, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the data folder for writing; waits up to `wait_s` seconds. Raises LakeError."""
    path = home / LOCK_FILE
    with disk_errors(path, "write"):
        home.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+", encoding="utf-8")
    with stream:
        deadline = time.monotonic() + wait_s
        while not _taken(stream):
            if time.monotonic() >= deadline:
                raise LakeError(
                    f"{home} is being written by {_owner(path)}; wait for it to end, or use "
                    "--wait to have this one wait. Nothing was read or changed."
                )
            time.sleep(POLL_S)
        owner = {
            "purpose": purpose,
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        stream.truncate(0)
        stream.write(json.dumps(owner))
        stream.flush()
        try:
            yield
        finally:
            stream.truncate(0)
            fcntl.flock(stream, fcntl.LOCK_UN)


def _taken(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        return (
            f"{owner['purpose']} (process {owner['process']} on {owner['host']}, since "
            f"{owner['since']})"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
