"""Room for large bodies: one of them at a time is read and decoded in this process.

A body that turns out to be large calls `wait_for_room`; the thread has the room until it leaves the
outermost `large_body_room`. `transport` reads within it, `page_reader` decodes within it too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["give_up_room", "large_body_room", "wait_for_room"]

_room: Final = threading.Lock()


class _Thread(threading.local):
    """What this thread is in, and whether the room is its own."""

    depth = 0
    has_room = False


_thread: Final = _Thread()


@contextmanager
def large_body_room() -> Iterator[None]:
    """Where a large body may be read; the room is given up at the end of the outermost one."""
    _thread.depth += 1
    try:
        yield
    finally:
        _thread.depth -= 1
        if not _thread.depth:
            give_up_room()


def wait_for_room() -> float:
    """Wait until no other thread has a large body; gives the seconds that it took."""
    if _thread.has_room or not _thread.depth:
        return 0.0
    started = time.monotonic()
    _room.acquire()
    _thread.has_room = True
    return time.monotonic() - started


def give_up_room() -> None:
    """Let another thread have its large body, because this one has none any more."""
    if _thread.has_room:
        _thread.has_room = False
        _room.release()
