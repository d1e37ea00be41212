"""Consoles that print texts as they are: a name may contain [brackets] or :codes: that Rich reads.

Where to print in, a Rich console out; the command line and `answer_formats` call it.
"""

from __future__ import annotations

from typing import IO

from rich.console import Console


def plain_console(
    *,
    file: IO[str] | None = None,
    stderr: bool = False,
    width: int | None = None,
    soft_wrap: bool = False,
) -> Console:
    """A console without markup, emoji codes and highlighting; `width` None: the terminal's."""
    return Console(
        file=file,
        stderr=stderr,
        width=width,
        soft_wrap=soft_wrap,
        highlight=False,
        markup=False,
        emoji=False,
    )
