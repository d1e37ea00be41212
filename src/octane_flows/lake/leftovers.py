"""Unfinished files carry the name of their process, so that those of an ended process are deleted.

A folder and the start of names in, nothing out; builds of the warehouse and of Spark, and files
that are written aside, call it before they begin. Files of other machines stay, because nobody can
tell whether their process still runs.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import socket
from pathlib import Path

from octane_flows.portable_files import delete_unless_open, is_running


def process_tag() -> str:
    """This machine and process, for names of files; no host name contains `@`."""
    return f"@{socket.gethostname()}@{os.getpid()}"


def delete_leftovers(folder: Path, start: str) -> None:
    """Delete files and folders of ended processes of this machine.

    Their names are `start`, any text, `process_tag` and any suffix.
    """
    host = re.escape(socket.gethostname())
    of_this_machine = re.compile(rf"{re.escape(start)}[^@]*@{host}@(\d+)(?!\d).*")
    for path in folder.glob(f"{glob.escape(start)}*"):
        match = of_this_machine.fullmatch(path.name)
        if match is None or is_running(int(match[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            delete_unless_open(path)
