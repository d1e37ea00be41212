"""Consoles that print words as they are: a name may hold [brackets] or :codes: that Rich reads.

Options of a Rich console in, the console out; the command line and `answers` call it.
"""

from __future__ import annotations

from typing import Any

from rich.console import Console


def plain_console(**options: Any) -> Console:
    """A console without markup, emoji codes and colours of its own."""
    return Console(highlight=False, markup=False, emoji=False, **options)
