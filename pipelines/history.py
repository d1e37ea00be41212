"""Dagster's own history in SQLite, written without waiting for the disk after each event.

A run of this project writes some hundred events, each of them several transactions; waiting for
the disk after every one took longer than the work. `definitions` imports this module for its
effect on the processes that load it.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Engine

#: One open connection a database: SQLite merges its journal when the last one closes, and Dagster
#: opens and closes one for each event.
_KEPT: Final[dict[str, sqlite3.Connection]] = {}


@event.listens_for(Engine, "connect")
def _relax(connection: Any, _record: Any) -> None:
    """Let a commit end before it is on the disk; a crash of the machine may cost the last ones."""
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.execute("pragma synchronous = normal")
    file = connection.execute("pragma database_list").fetchone()[2]
    if file and file not in _KEPT:
        kept = sqlite3.connect(file, check_same_thread=False)
        kept.execute("pragma schema_version").fetchone()
        _KEPT[file] = kept
