"""The SQLite database under the store: layout, transactions, ids.

In: a schema, a clock, perhaps a path. Out: a locked connection with one table for each family and
each link. Base of entity_store.Store; the SQL of the read layer goes through `read`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from octane_simulator.model.entity_schema import Schema
from octane_simulator.model.field_model import NAMED_FAMILIES, FieldDef
from octane_simulator.store.simulated_clock import Clock
from octane_simulator.store.table_layout import (
    Column,
    columns_of,
    family_ddl,
    field_ddl,
    link_ddl,
    quoted,
)

__all__ = ["FIRST_ID", "Database", "SpaceIds"]

FIRST_ID = 1001
# The change history; text is compared without regard to case, as in all queries.
HISTORY_DDL = (
    "CREATE TABLE history_log (id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL,"
    " action TEXT NOT NULL COLLATE NOCASE, entity_type TEXT NOT NULL COLLATE NOCASE,"
    " entity_id TEXT NOT NULL COLLATE NOCASE, user_id TEXT NOT NULL, user_name TEXT,"
    " full_name TEXT, change_set TEXT NOT NULL)",
    "CREATE INDEX history_log_by_time ON history_log (entity_type, timestamp)",
    "CREATE INDEX history_log_by_entity ON history_log (entity_type, entity_id)",
)

# How a stored value becomes a value of another type; text that is not a number becomes NULL.
_AS_NUMBER = (
    "CASE WHEN {0} GLOB '*[0-9]*' AND {0} NOT GLOB '*[^-+.0-9eE]*' THEN CAST({0} AS %s) END"
)
CASTS = {
    "string": "CAST({0} AS TEXT)",
    "memo": "CAST({0} AS TEXT)",
    "integer": _AS_NUMBER % "INTEGER",
    "float": _AS_NUMBER % "REAL",
}


def _fold(value: str | int | float | None) -> str | int | float | None:
    return value.casefold() if isinstance(value, str) else value


def _collate(left: str, right: str) -> int:
    folded = left.casefold(), right.casefold()
    return (folded[0] > folded[1]) - (folded[0] < folded[1])


class SpaceIds:
    """The next ids of families whose ids no two workspaces of a space share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = {"work_item": FIRST_ID, "workspace_user": FIRST_ID}

    def __contains__(self, family: object) -> bool:
        return family in self._next

    def take(self, family: str) -> int:
        """The next number that no row has."""
        with self._lock:
            self._next[family] += 1
            return self._next[family] - 1

    def reserve(self, family: str, number: int) -> None:
        """Do not give this number or a lower one any more."""
        with self._lock:
            self._next[family] = max(self._next[family], number + 1)


class Database:
    """Tables of all families; every public method takes the lock."""

    def __init__(
        self,
        schema: Schema,
        clock: Clock,
        path: Path | None = None,
        *,
        workspace: str = "1002",
        ids: SpaceIds | None = None,
    ) -> None:
        self.schema = schema
        self.clock = clock
        self.workspace = workspace
        self.space_ids = ids or SpaceIds()
        # The databases that get the fields that are defined in this one.
        self.peers: list[Database] = [self]
        self.locked_scripts: set[str] = set()  # ids of tests that another user is editing
        self.lock = threading.RLock()
        self.version = 0
        # An empty name is SQLite's private on-disk database: it ends with the connection.
        self.connection = sqlite3.connect(
            str(path) if path else "",
            check_same_thread=False,
            isolation_level=None,
            cached_statements=512,
        )
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.execute(f"PRAGMA journal_mode = {'WAL' if path else 'MEMORY'}")
        self.connection.execute("PRAGMA cache_size = -65536")
        self.connection.execute("PRAGMA temp_store = MEMORY")
        self.connection.create_function("fold", 1, _fold, deterministic=True)
        self.connection.create_collation("fold", _collate)
        self._depth = 0
        self._columns: dict[str, dict[str, Column]] = {}
        self._next_id: dict[str, int] = {}
        self._filled: set[str] = set()
        self._create()

    # -- layout ---------------------------------------------------------------------------------

    def _create(self) -> None:
        run = self.connection.execute
        existing = {row[0] for row in run("SELECT name FROM sqlite_master WHERE type = 'table'")}
        run("BEGIN")
        for family in self.schema.families():
            self._columns[family] = columns_of(self.schema, family)
            if family not in existing:
                for statement in family_ddl(self.schema, family):
                    run(statement)
            if family not in NAMED_FAMILIES:
                top = run(f"SELECT max(id) FROM {quoted(family)}").fetchone()[0]
                if family in self.space_ids:
                    self.space_ids.reserve(family, top or FIRST_ID - 1)
                else:
                    self._next_id[family] = max(FIRST_ID, (top or 0) + 1)
        for name, statements in link_ddl(self.schema).items():
            if name not in existing:
                for statement in statements:
                    run(statement)
            elif run(f"SELECT 1 FROM {quoted(name)} LIMIT 1").fetchone():
                self._filled.add(name)
        if "attachment_content" not in existing:
            run("CREATE TABLE attachment_content (id INTEGER PRIMARY KEY, content BLOB NOT NULL)")
            run(
                "CREATE TABLE test_script (id INTEGER PRIMARY KEY, script TEXT NOT NULL,"
                " last_modified TEXT NOT NULL)"
            )
        if "history_log" not in existing:
            for statement in HISTORY_DDL:
                run(statement)
        run("COMMIT")

    def add_field(self, entity: str, definition: FieldDef) -> None:
        """Add a user-defined field to the schema and to the table of its family."""
        with self.transaction():
            self.schema.add_field(entity, definition)
            family = self.schema.family(entity)
            existing_columns = {
                r[1] for r in self.connection.execute(f"PRAGMA table_info({quoted(family)})")
            }
            self._columns[family] |= columns_of(self.schema, family)
            column = self._columns[family][definition.name]
            for ddl in field_ddl(column):
                if ddl.split('"')[1] not in existing_columns:
                    self.connection.execute(f"ALTER TABLE {quoted(family)} ADD COLUMN {ddl}")
            if column.kind == "link":
                name = self.schema.link_ends[(family, definition.name)].link
                for statement in link_ddl(self.schema)[name]:
                    self.connection.execute(
                        statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1).replace(
                            "CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1
                        )
                    )
                if self.connection.execute(f"SELECT 1 FROM {quoted(name)} LIMIT 1").fetchone():
                    self._filled.add(name)

    def remove_field(self, entity: str, name: str) -> None:
        """Remove a field from the schema.

        A user-defined field goes with its values; others the server itself still fills and reads.
        """
        with self.transaction():
            definition = self.schema.entities[entity].fields.get(name)
            if definition is not None and definition.is_user_defined:
                self._delete_values(entity, name)
            self.schema.remove_field(entity, name)

    def _delete_values(self, entity: str, name: str) -> None:
        """Delete the values of a field in the rows of one entity type."""
        family = self.schema.family(entity)
        column, run = self._columns[family][name], self.connection.execute
        for ddl in field_ddl(column):
            stored = quoted(ddl.split('"')[1])
            run(f"UPDATE {quoted(family)} SET {stored} = NULL WHERE type = ?", (entity,))
        if column.kind == "link":
            end = self.schema.link_ends[(family, name)]
            run(f"DELETE FROM {quoted(end.link)} WHERE {end.own}_type = ?", (entity,))

    def retype_field(self, entity: str, name: str, field_type: str) -> None:
        """Give a scalar field another type; values that do not fit the new one are lost."""
        family = self.schema.family(entity)
        old = self._columns[family][name]
        if old.kind != "scalar" or field_type not in CASTS:
            raise ValueError(
                f"Only a scalar field can be retyped, to one of {', '.join(CASTS)};"
                f" not {entity}.{name} to {field_type}"
            )
        table, column, old_column = quoted(family), quoted(name), quoted(f"{name}.{self.version}")
        with self.transaction():
            self.schema.retype_field(entity, name, field_type)
            self._columns[family] |= columns_of(self.schema, family)
            run = self.connection.execute
            run(f"ALTER TABLE {table} RENAME COLUMN {column} TO {old_column}")
            for ddl in field_ddl(self._columns[family][name]):
                run(f"ALTER TABLE {table} ADD COLUMN {ddl}")
            cast = CASTS[field_type].format(old_column)
            if old.field.field_type == "boolean" and field_type in {"string", "memo"}:
                cast = f"CASE {old_column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
            run(f"UPDATE {table} SET {column} = {cast} WHERE {old_column} IS NOT NULL")

    def columns(self, family: str) -> dict[str, Column]:
        """How each field of a family is stored."""
        return self._columns[family]

    def link_filled(self, link: str) -> bool:
        """Whether a link table may have rows: an empty one needs no query."""
        return link in self._filled

    # -- transactions ---------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take the lock; the outermost block commits, an exception rolls everything back."""
        with self.lock:
            self._depth += 1
            outermost = self._depth == 1
            if outermost:
                self.connection.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._depth -= 1
                if outermost:
                    self.connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            self.version += 1
            if outermost:
                self.connection.execute("COMMIT")

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Rows of a select statement."""
        with self.lock:
            return self.connection.execute(sql, parameters).fetchall()

    def now(self) -> datetime:
        """The time of the simulated server."""
        return self.clock.now()

    def keep_clock(self) -> None:
        """Store the time of a clock that stands still in the file, for a later process."""
        if self.clock.frozen:
            moment = int(self.clock.now().timestamp())
            with self.lock:
                self.connection.execute(f"PRAGMA user_version = {moment}")

    def restore_clock(self) -> None:
        """Stop the clock at the time that the file stores."""
        moment = self.read("PRAGMA user_version")[0][0]
        if moment:
            self.clock.set(datetime.fromtimestamp(moment, UTC), frozen=True)

    # -- ids ------------------------------------------------------------------------------------

    def key(self, family: str, identifier: object) -> int | str | None:
        """An id in the form that the table stores, or None when the text is no id."""
        if family in NAMED_FAMILIES:
            return str(identifier)
        try:
            number = int(str(identifier))
        except ValueError:
            return None
        return number if abs(number) < 2**63 else None

    def root(self, family: str) -> str:
        """The id of the root of a tree, which is the first row made in it."""
        with self.lock:
            row = self.connection.execute(f"SELECT min(id) FROM {quoted(family)}").fetchone()
        return str(row[0] or FIRST_ID)

    def type_of(self, family: str, identifier: object) -> str | None:
        """The concrete type of a stored row, or None when there is no such row."""
        key = self.key(family, identifier)
        with self.lock:
            row = self.connection.execute(
                f"SELECT type FROM {quoted(family)} WHERE id = ?", (key,)
            ).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Close the database; the store cannot be used afterwards."""
        with self.lock:
            self.connection.close()
