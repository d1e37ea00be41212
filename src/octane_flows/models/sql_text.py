"""Names and texts as parts of an SQL statement.

A name or a text in, SQL out; everything that writes SQL calls it.
"""

from __future__ import annotations


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier; user-defined fields may hold any character."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
