"""One writer at a time for a data folder: two at once would both find that nothing is there yet.

The folder of the audit log in, a context manager out; `apply_plan` and `build_registration` hold it
while they compare and send. The operating system releases the lock when its process ends, also when
it is killed.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from octane_flows.errors import OctaneFlowsError

LOCK_FILE = ".apply.lock"
POLL_S = 0.1


@contextmanager
def sending_lock(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock. Raises OctaneFlowsError where another process holds it for `wait_s`."""
    path = folder / LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = path.open("a")
    except OSError as error:
        raise OctaneFlowsError(
            f"The lock {path} cannot be written ({error.strerror}), so nothing was sent; free "
            "space or correct its rights, and run it again."
        ) from error
    with stream:
        if not _lock_within(stream.fileno(), wait_s):
            raise OctaneFlowsError(
                f"Another apply, or a report-results --register, is sending from {folder.parent}, "
                "so nothing was sent; wait for its end and run this again: what it did is then "
                "found done."
            )
        yield


def _lock_within(descriptor: int, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
        else:
            return True
