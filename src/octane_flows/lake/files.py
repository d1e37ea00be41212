"""Parquet files of the lake: one Arrow table in, one immutable file and its entry out.

Files are written under a name nobody reads yet, flushed to disk, then renamed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from octane_flows.errors import LakeError
from octane_flows.lake.manifest import FileEntry

ROW_GROUP_ROWS = 25_000  # one group holds 25 pages: statistics stay useful, memory small
DIGEST_CHUNK_BYTES = 1 << 20


class TableWriter:
    """Appends batches to one Parquet file; `close` returns its entry (None when no row came)."""

    def __init__(self, folder: Path, path: str, schema: pa.Schema, *, workspace: str) -> None:
        self._folder = folder
        self._path = path
        self._schema = schema
        self._workspace = workspace
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._writer: pq.ParquetWriter | None = None
        self.rows = 0

    @property
    def _target(self) -> Path:
        return self._folder / self._path

    @property
    def _temporary(self) -> Path:
        return self._target.with_suffix(".parquet.part")

    def write(self, table: pa.Table) -> None:
        """Add rows; they reach the disk a row group at a time."""
        self._pending.append(table)
        self._pending_rows += table.num_rows
        self.rows += table.num_rows
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._pending_rows:
            return
        group = pa.concat_tables(self._pending).combine_chunks()
        self._pending, self._pending_rows = [], 0
        with disk_errors(self._target, "write"):
            if self._writer is None:
                self._target.parent.mkdir(parents=True, exist_ok=True)
                self._writer = pq.ParquetWriter(
                    self._temporary, self._schema, compression="zstd", write_statistics=True
                )
            self._writer.write_table(group, row_group_size=ROW_GROUP_ROWS)

    def close(self) -> FileEntry | None:
        """Finish the file: flush, sync, rename."""
        self._flush()
        if self._writer is None:
            return None
        with disk_errors(self._target, "write"):
            self._writer.close()
            sync_file(self._temporary)
            self._temporary.replace(self._target)
            return FileEntry(
                path=self._path,
                workspace=self._workspace,
                rows=self.rows,
                bytes=self._target.stat().st_size,
                sha256=digest(self._target),
            )

    def discard(self) -> None:
        """Drop what was written; used when the extract of this table failed."""
        if self._writer is not None:
            with suppress(OSError):  # the disk is full: the file is dropped all the same
                self._writer.close()
            self._temporary.unlink(missing_ok=True)


def write_table(folder: Path, path: str, table: pa.Table, *, workspace: str) -> FileEntry | None:
    """Write one Arrow table as one file; None when it has no rows."""
    writer = TableWriter(folder, path, table.schema, workspace=workspace)
    writer.write(table)
    return writer.close()


def digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    total = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(DIGEST_CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def sync_file(path: Path) -> None:
    """Have the operating system put a file (or a folder's entries) on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn an operating system's refusal into one sentence that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise LakeError(
            f"Could not {verb} {path}: {error.strerror or error}; free space or give OCTANE_HOME "
            "a folder that you may write. The former generation is still whole."
        ) from error
