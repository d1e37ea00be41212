"""Dagster's event log in SQLite, without opening its databases anew for every event.

A run's events in, the files that Dagster itself would write out; `dagster_octane.history` calls it.
A run of this project writes some hundred events, each of them in several transactions; opening,
closing and waiting for the disk each time took longer than the work. No setting of Dagster changes
that, so this rests on names that Dagster may change: `lacking` says which of them are gone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
)
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as LOG  # noqa: N814
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster_shared.serdes import serialize_value
from sqlalchemy import create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

#: Databases held open: the index, the run at work, and those that pages look at.
OPEN: Final = 8
#: What a run intends, told before it starts.
ASSET: Final = DagsterEventType.ASSET_MATERIALIZATION_PLANNED
CHECK: Final = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
#: Dagster's own methods that are called here or replaced, though no documentation names them.
PRIVATE: Final = (
    "_connect",
    "_event_to_row",
    "_get_asset_entry_values",
    "_has_asset_key_col_on_connection",
    "_has_asset_key_index_cols_on_connection",
    "_initdb",
    "conn_string_for_shard",
    "index_connection",
    "path_for_shard",
    "run_connection",
)


def lacking() -> list[str]:
    """The private names that this Dagster has no more."""
    return [one for one in PRIVATE if not hasattr(SqliteEventLogStorage, one)]


class EventLog(SqliteEventLogStorage):
    """Dagster's event log, file by file the same, with its connections kept."""

    def __init__(self, base_dir: str) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._there: set[str] = set()
        self._lock = threading.Lock()  # around the engines and their one connection each
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        """The shard's engine, which has one connection; the one unused longest makes room."""
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _relax)
            if len(self._engines) >= OPEN:
                self._engines.popitem(last=False)[1].dispose()
            self._initdb(engine)
        self._engines[shard] = engine
        return engine

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Keep events; what a run intends, some hundred of them, goes in at once."""
        kinds = {one.dagster_event_type for one in events}
        runs = {one.run_id for one in events}
        if kinds - {ASSET, CHECK} or len(runs) != 1:
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(one) for one in events]
        with self.run_connection(runs.pop()) as connection:
            connection.execute(LOG.insert(), rows)
        with self.index_connection() as connection:
            told = LOG.insert().returning(LOG.c.id, sort_by_parameter_order=True)
            known = dict(zip(connection.execute(told, rows).scalars(), events, strict=True))
            self._plan_assets(connection, known)
            self._plan_checks(connection, known)

    def _plan_assets(self, connection: Connection, known: Mapping[int, EventLogEntry]) -> None:
        ask = self._has_asset_key_index_cols_on_connection(connection)
        values = [
            {
                "asset_key": one.get_dagster_event().asset_key.to_string(),  # type: ignore[union-attr]
                **self._get_asset_entry_values(one, event_id, ask),
            }
            for event_id, one in known.items()
            if one.dagster_event_type is ASSET
        ]
        if values:
            new = insert(AssetKeyTable)
            changed = {name: new.excluded[name] for name in values[0] if name != "asset_key"}
            connection.execute(new.on_conflict_do_update(["asset_key"], set_=changed), values)

    def _plan_checks(self, connection: Connection, known: Mapping[int, EventLogEntry]) -> None:
        rows = []
        for event_id, one in known.items():
            planned = one.get_dagster_event().event_specific_data
            if not isinstance(planned, AssetCheckEvaluationPlanned):
                continue
            subset = planned.partitions_subset
            rows += [
                {
                    "asset_key": planned.asset_key.to_string(),
                    "check_name": planned.check_name,
                    "partition": partition,
                    "run_id": one.run_id,
                    "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
                    "evaluation_event": serialize_value(one),
                    "evaluation_event_timestamp": self._event_to_row(one)["timestamp"],
                    "evaluation_event_storage_id": event_id,
                }
                for partition in (subset.get_partition_keys() if subset else [None])
            ]
        if rows:
            connection.execute(AssetCheckExecutionsTable.insert(), rows)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has this table; a table that was there once stays."""
        return self._known(table_name, lambda: super(EventLog, self).has_table(table_name))

    def _has_asset_key_col_on_connection(self, conn: Connection, column_name: str) -> bool:
        ask = super()._has_asset_key_col_on_connection
        return self._known(f"asset_keys.{column_name}", lambda: ask(conn, column_name))

    def _known(self, what: str, ask: Callable[[], bool]) -> bool:
        if what not in self._there and ask():
            self._there.add(what)
        return what in self._there

    def delete_events(self, run_id: str) -> None:
        """Forget a run; its file goes too, which Dagster would leave as large as it was."""
        super().delete_events(run_id)
        with self._lock:
            self._close(run_id)
            for suffix in ("", "-wal", "-shm"):
                Path(self.path_for_shard(run_id) + suffix).unlink(missing_ok=True)

    def _close(self, shard: str) -> None:
        if engine := self._engines.pop(shard, None):
            engine.dispose()

    def wipe(self) -> None:
        """Forget all runs."""
        with self._lock:
            for shard in list(self._engines):
                self._close(shard)
        super().wipe()

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        with self._lock:
            for shard in list(self._engines):
                self._close(shard)


def _relax(connection: sqlite3.Connection, _record: Any) -> None:
    """Let a commit end before it is on the disk; a crash of the machine may cost the last ones."""
    connection.execute("pragma synchronous = normal")
