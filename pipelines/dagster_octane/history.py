"""Dagster's own history in SQLite, written by `dagster_octane.event_log` where that can be.

`dagster.yaml` names `SqliteHistory` as the storage. What makes it fast rests on private names of
Dagster 1.13; where a later Dagster lacks one of them, the history is Dagster's own, of the same
files but slower, and a warning says so.
"""

from __future__ import annotations

import functools
import logging
import os
from pathlib import Path
from typing import Any

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage


class SqliteHistory(DagsterSqliteStorage):
    """Runs, events and ticks in the files where Dagster keeps them without being told."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        if (missing := _missing()) is not None:
            _warn(missing)
            return
        from dagster_octane.event_log import EventLog

        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")  # its switch for batches
        self._event_log_storage = EventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> SqliteHistory:
        """As Dagster makes it from its file."""
        return cls.from_local(inst_data=inst_data, **config_value)


def _missing() -> str | None:
    """What this Dagster lacks of that which the fast event log needs; None for nothing."""
    try:
        from dagster_octane.event_log import lacking
    except ImportError as error:
        return str(error)
    return ", ".join(lacking()) or None


@functools.cache  # one warning for each process
def _warn(missing: str) -> None:
    logging.getLogger("dagster").warning(
        "Dagster's history is written in its own, slower way: this version lacks what "
        f"dagster_octane.event_log needs ({missing}). Install the versions of constraints.txt, or "
        "mend that module."
    )
