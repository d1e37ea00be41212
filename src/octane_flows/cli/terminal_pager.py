"""Long texts on a terminal go through a pager, as those of git do; everything else is printed.

What writes to a console in, the same text in a pager or on the console out; commands with rows and
`status` call it. A pager is PAGER, or else `less`; where there is none, as on Windows, or PAGER is
empty or `cat`, texts are printed as they are.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console

#: Leave at once what fits, show colours, cut no line in the middle, leave the text on the terminal.
LESS: Final = "FRSX"


@contextmanager
def paged(console: Console, *, is_wanted: bool = True) -> Iterator[None]:
    """What is printed on the console meanwhile goes through a pager where it is longer."""
    command = pager_command(os.environ) if is_wanted and _is_read_here(console) else None
    if command is None:
        yield
        return
    with console.capture() as captured:
        yield
    text = captured.get()
    if text.count("\n") < console.height or not _show(command, text):
        console.file.write(text)
        console.file.flush()


def pager_command(environ: Mapping[str, str]) -> list[str] | None:
    """The program that pages, with its arguments; None: none is wished, or there is none."""
    if environ.get("TERM") == "dumb":
        return None
    if "PAGER" in environ:
        try:
            words = shlex.split(environ["PAGER"], posix=os.name != "nt")
        except ValueError:
            return None
        return None if not words or words == ["cat"] else words
    if os.name == "nt":  # `more` shows neither colours nor all letters
        return None
    less = shutil.which("less")
    return [less] if less else None


def _is_read_here(console: Console) -> bool:
    return console.file.isatty() and sys.stdin is not None and sys.stdin.isatty()


def _show(command: list[str], text: str) -> bool:
    """Whether the pager has shown the text; it may be left before the end."""
    environment = {"LESS": LESS, "LESSCHARSET": "utf-8", **os.environ}
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    except OSError:
        return False
    try:
        pager.communicate(text.encode("utf-8", "replace"))
    except KeyboardInterrupt:  # less takes Ctrl-C for itself
        pager.wait()
    except BrokenPipeError:
        pager.wait()
    return pager.returncode == 0 or text == ""
