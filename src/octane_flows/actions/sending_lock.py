"""One apply at a time for a data folder: two at once would both find that nothing is there yet.

The folder of the audit log in, a context manager out; `apply_plan` holds it while it compares and
sends. The operating system releases the lock when its process ends, also when it is killed.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from octane_flows.errors import OctaneFlowsError

LOCK_FILE = ".apply.lock"


@contextmanager
def sending_lock(folder: Path) -> Iterator[None]:
    """Hold the lock. Raises OctaneFlowsError where another process holds it."""
    path = folder / LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = path.open("a")
    except OSError as error:
        raise OctaneFlowsError(
            f"The lock {path} cannot be written ({error.strerror}), so nothing was sent; free "
            "space or correct its rights, and apply again."
        ) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OctaneFlowsError(
                f"Another apply is sending a plan from {folder.parent}, so nothing was sent; wait "
                "for its end and apply again: what it did is then found done."
            ) from None
        yield
