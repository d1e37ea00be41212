"""One writer at a time for a data folder: two at once would both find that nothing is there yet.

The folder of the audit log in, a context manager out; `apply_plan` and `build_registration` hold it
while they compare and send. The operating system releases the lock when its process ends, also when
it is killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from octane_flows.errors import OctaneFlowsError
from octane_flows.portable_files import LockTakenError, exclusive_lock

LOCK_FILE = ".apply.lock"


@contextmanager
def sending_lock(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock. Raises OctaneFlowsError where another process holds it for `wait_s`."""
    path = folder / LOCK_FILE
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive_lock(path, wait_s=wait_s))
        except OSError as error:
            raise OctaneFlowsError(
                f"The lock {path} cannot be written ({error.strerror}), so nothing was sent; free "
                "space or correct its rights, and run it again."
            ) from error
        except LockTakenError:
            raise OctaneFlowsError(
                f"Another apply, or a report-results --register, is sending from {folder.parent}, "
                "so nothing was sent; wait for its end and run this again: what it did is then "
                "found done."
            ) from None
        yield
