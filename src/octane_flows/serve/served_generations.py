"""The published warehouse, opened read-only for requests; after a publish the older one stays open.

A data folder in, readers out, of which each serves one request at a time; `question_answers` and
`odata_answers` take them.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from octane_flows.config import ServePlace
from octane_flows.serve.refused_requests import RETRY_S, RefusalError
from octane_flows.serve.warehouse_reader import WarehouseReader
from octane_flows.warehouse import warehouse_path, workspace_names
from octane_flows.warehouse.duckdb_file import first_line, write_log

OLDER_KEPT: Final = 2  # generations that stay open after they were replaced
OLDER_KEPT_S: Final = 900.0  # how long: Excel reads all pages of a table within minutes
OPENING_TRIES: Final = 5  # how often a file may be replaced while it is opened
Stamp = tuple[int, int, int]


class ServedGeneration:
    """One published warehouse with its readers; `token` names it in links to further pages."""

    def __init__(self, path: Path, stamp: Stamp, place: ServePlace) -> None:
        self.stamp = stamp
        self._idle: queue.SimpleQueue[WarehouseReader] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._broken = 0
        self.replaced_at: float | None = None
        self.facts: dict[str, object] = {}  # what others derive from its content, once
        for _ in range(place.requests):
            reader = WarehouseReader(path, place.memory_mb)
            self._idle.put(reader)
        [(generation, as_of)] = reader.execute(
            "select generation, as_of from meta.generation"
        ).fetchall()
        self.number = int(generation)
        self.as_of: datetime = as_of
        self.workspace_names = workspace_names(reader.connection)
        digest = hashlib.sha256(repr((self.number, *stamp)).encode()).hexdigest()
        self.token = f"{self.number}-{digest[:12]}"

    @property
    def is_whole(self) -> bool:
        """Whether all readers still work."""
        return self._broken == 0

    @contextmanager
    def reader(self) -> Iterator[WarehouseReader]:
        """A connection for one request alone."""
        try:
            reader = self._idle.get(timeout=RETRY_S)
        except queue.Empty:
            raise RefusalError(
                503, "All readers are busy; try again.", retry_after_s=RETRY_S
            ) from None
        try:
            yield reader
        finally:
            with self._lock:
                if self._is_closed:
                    reader.close()
                elif reader.works():
                    self._idle.put(reader)
                else:
                    reader.close()
                    self._broken += 1

    def close(self) -> None:
        """Close the readers: those at work when their request ends."""
        with self._lock:
            self._is_closed = True
            while not self._idle.empty():
                self._idle.get().close()


class ServedGenerations:
    """The newest published warehouse of a data folder, and those that were replaced lately."""

    def __init__(
        self, home: Path, place: ServePlace, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.home = home
        self.place = place
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: ServedGeneration | None = None
        self._older: list[ServedGeneration] = []

    def newest(self) -> ServedGeneration:
        """The published warehouse, opened when it is a new one. Raises RefusalError."""
        with self._lock:
            self._forget_older()
            stamp = _stamp(warehouse_path(self.home))
            if self._newest is not None and (
                stamp is None or (stamp == self._newest.stamp and self._newest.is_whole)
            ):
                return self._newest  # a file that was taken away is still open here
            if stamp is None:
                raise RefusalError(
                    503,
                    "There is no warehouse yet; run 'octane-flows run' with the settings of this "
                    "server, and ask again.",
                    retry_after_s=60,
                )
            try:
                opened = self._open()
            except RefusalError:
                if self._newest is None:
                    raise
                return self._newest
            if self._newest is not None:
                self._newest.replaced_at = self._clock()
                self._older.append(self._newest)
            self._newest = opened
            return opened

    def named(self, token: str) -> ServedGeneration:
        """The generation of a link to a further page. Raises RefusalError: it is gone (410)."""
        newest = self.newest()
        with self._lock:
            for generation in (newest, *self._older):
                if generation.token == token:
                    return generation
        raise RefusalError(
            410,
            "The warehouse was built anew since the first page was read, and this server no longer "
            "has the one that the page belongs to; read the first page again.",
        )

    def close(self) -> None:
        """Close all readers."""
        with self._lock:
            for generation in (*self._older, *([self._newest] if self._newest else [])):
                generation.close()

    def _open(self) -> ServedGeneration:
        path = warehouse_path(self.home)
        for _ in range(OPENING_TRIES):
            stamp = _stamp(path)
            if stamp is None or write_log(path).exists():
                break
            try:
                opened = ServedGeneration(path, stamp, self.place)
            except duckdb.Error as error:
                raise RefusalError(
                    503,
                    f"The warehouse cannot be opened ({_without_path(error, path)}); run "
                    "'octane-flows build' with the settings of this server, and ask again.",
                    retry_after_s=60,
                ) from error
            if _stamp(path) == stamp:  # else some readers may have the file before, some this one
                return opened
            opened.close()
        raise RefusalError(
            503,
            "The warehouse is being written by another program; close that program, or try again.",
            retry_after_s=RETRY_S,
        )

    def _forget_older(self) -> None:
        for generation in list(self._older):
            age = self._clock() - (generation.replaced_at or 0.0)
            is_one_too_many = len(self._older) > OLDER_KEPT and generation is self._older[0]
            if age > OLDER_KEPT_S or is_one_too_many:
                self._older.remove(generation)
                generation.close()


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _without_path(error: Exception, path: Path) -> str:
    """DuckDB's sentence without the folder of the data, which clients need not know."""
    return first_line(error).replace(str(path), path.name)
