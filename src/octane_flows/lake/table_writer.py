"""Parquet files of the lake: Arrow tables in, one immutable file and its manifest entry out.

A file is written under a name that nobody reads, and then given to the lake's storage.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import nullcontext, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from octane_flows.lake.manifest import FileEntry
from octane_flows.lake.storage import Storage, disk_errors, make_folder

ROW_GROUP_ROWS = 25_000  # 25 pages a group: the statistics stay useful, and memory small
ROW_GROUP_BYTES = 32 << 20  # rows with memos of megabytes fill memory long before that
LARGE_ROW_BYTES = 1 << 20  # rows of this size: dictionaries and statistics would copy their texts
DIGEST_CHUNK_BYTES = 1 << 20
#: Texts that differ in each row: a dictionary of them would be written beside them and given up.
UNIQUE_TEXTS = frozenset({"id", "source_id"})
#: Our own columns that are the same in all rows of a file.
CONSTANTS = frozenset({"_generation", "_extracted_at", "_deleted"})
_large_rows = threading.Lock()


def dictionary_columns(schema: pa.Schema) -> list[str]:
    """The columns whose values repeat: texts, and our own that are constant.

    Numbers, durations and times hardly repeat: without a dictionary they are smaller and written
    sooner.
    """
    return [
        field.name
        for field in schema
        if field.name in CONSTANTS
        or (pa.types.is_string(field.type) and field.name not in UNIQUE_TEXTS)
    ]


class TableWriter:
    """Appends tables to one Parquet file; `close` gives its entry, or None without rows.

    `of_large_rows`: the file's texts have neither dictionaries nor statistics.
    """

    def __init__(
        self,
        storage: Storage,
        path: str,
        schema: pa.Schema,
        *,
        workspace: str,
        of_large_rows: bool = False,
    ) -> None:
        self._storage = storage
        self._path = path
        self._scratch = storage.scratch(path)
        self._schema = schema
        self._workspace = workspace
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._pending_bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0
        self.of_large_rows = of_large_rows

    def write(self, table: pa.Table) -> None:
        """Add rows; they reach the disk a row group at a time."""
        self._pending.append(table)
        self._pending_rows += table.num_rows
        self._pending_bytes += table.nbytes
        self.rows += table.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS or self._pending_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._pending_rows:
            return
        group = pa.concat_tables(self._pending)
        if not self.of_large_rows:  # columns in one piece are written faster, but are a copy
            group = group.combine_chunks()
        self._pending, self._pending_rows, self._pending_bytes = [], 0, 0
        # large rows are packed one group at a time in this process: memory is short
        with (
            _large_rows if self.of_large_rows else nullcontext(),
            disk_errors(self._scratch, "write"),
        ):
            if self._writer is None:
                make_folder(self._scratch.parent)
                self._writer = self._open()
            self._writer.write_table(group, row_group_size=ROW_GROUP_ROWS)

    def _open(self) -> pq.ParquetWriter:
        """The Parquet file, empty."""
        if not self.of_large_rows:
            return pq.ParquetWriter(
                self._scratch,
                self._schema,
                compression="zstd",
                write_statistics=True,
                use_dictionary=dictionary_columns(self._schema),
            )
        small = [field.name for field in self._schema if not pa.types.is_string(field.type)]
        return pq.ParquetWriter(
            self._scratch,
            self._schema,
            compression="zstd",
            use_dictionary=False,
            write_statistics=["id", *small],
        )

    def close(self) -> FileEntry | None:
        """Finish the file and add it to the lake."""
        self._flush()
        if self._writer is None:
            return None
        with disk_errors(self._scratch, "write"):
            self._writer.close()
            entry = FileEntry(
                path=self._path,
                workspace=self._workspace,
                rows=self.rows,
                bytes=self._scratch.stat().st_size,
                sha256=file_digest(self._scratch),
            )
        self._storage.add(self._path, self._scratch, entry.sha256)
        return entry

    def discard(self) -> None:
        """Delete what was written; used when the extract of this table failed."""
        if self._writer is not None:
            with suppress(OSError):  # the disk is full; the file is deleted all the same
                self._writer.close()
            self._scratch.unlink(missing_ok=True)


def has_large_rows(table: pa.Table) -> bool:
    """Whether the rows of a table are so large on average that few of them fill the memory."""
    return bool(table.nbytes >= LARGE_ROW_BYTES * max(1, table.num_rows))


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(DIGEST_CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()
