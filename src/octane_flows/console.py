"""Consoles that print texts as they are: a name may contain [brackets] or :codes: that Rich reads.

Where to print in, a Rich console out; the command line and `answer_formats` call it.
"""

from __future__ import annotations

from typing import IO, Any

from rich.console import Console, RenderableType
from rich.table import Table

#: Control characters of a server's text would move the cursor or change what the terminal shows.
VISIBLE = (
    {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
    | {
        # these would show the rest of a line in another order, or begin a new line
        code: f"\\u{code:04x}"
        for code in (
            *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029),
            *(*range(0x202A, 0x202F), *range(0x2066, 0x2070), *range(0xFFF9, 0xFFFC)),
        )
    }
    | {
        # letters that nobody sees, in which other text can hide
        code: f"\\U{code:08x}"
        for code in range(0xE0000, 0xE0080)
    }
)


class PlainConsole(Console):
    """A console on which control characters of texts are visible and do nothing."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print texts with their control characters escaped, and other objects as Rich does."""
        super().print(
            *(item.translate(VISIBLE) if isinstance(item, str) else item for item in objects),
            **options,
        )


class PlainTable(Table):
    """A table whose cells have visible control characters that do nothing."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        """Add a row."""
        super().add_row(
            *(cell.translate(VISIBLE) if isinstance(cell, str) else cell for cell in cells),
            **options,
        )


def plain_console(
    *,
    file: IO[str] | None = None,
    stderr: bool = False,
    width: int | None = None,
    soft_wrap: bool = False,
) -> Console:
    """A console without markup, emoji codes and highlighting; `width` None: the terminal's."""
    return PlainConsole(
        file=file,
        stderr=stderr,
        width=width,
        soft_wrap=soft_wrap,
        highlight=False,
        markup=False,
        emoji=False,
    )
