"""What is made aside carries its process in its name, so that what a killed one left is told.

A folder and the start of names in, nothing out; builds of the warehouse and of Spark call it before
they begin. Files of other machines stay: whether their process still runs cannot be told.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from pathlib import Path


def owner() -> str:
    """This machine and process, as names of files tell them."""
    return f"{socket.gethostname()}.{os.getpid()}"


def is_running(process: int) -> bool:
    """Whether a process of this machine may still run."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def sweep(folder: Path, start: str) -> None:
    """Delete files and folders named `start`, `owner` and any suffix, of processes that ended."""
    made_here = re.compile(rf"{re.escape(start)}.*\b{re.escape(socket.gethostname())}\.(\d+)\b.*")
    for path in folder.glob(f"{start}*"):
        found = made_here.fullmatch(path.name)
        if found is None or is_running(int(found[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
