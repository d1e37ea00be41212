"""Compaction: the small files of each table become one, in a generation of its own.

A lake in, a report of what was (or would be) merged out; the command line and Dagster call it.
Compaction changes no answer of any generation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.draft import Draft
from octane_flows.lake.generations import Lake
from octane_flows.lake.manifest import FileEntry, Manifest, TableEntry
from octane_flows.lake.publish import publish

SMALL_BYTES = 32 << 20  # a larger file gains nothing from being merged again
MIN_FILES = 8  # fewer small files cost a reader little
BATCH_BYTES = 128 << 20  # of Parquet merged at once: some times that in memory


@dataclass(frozen=True)
class Compaction:
    """What a compaction merged; `generation` None when there was nothing to do or it was tried."""

    generation: int | None
    tables: int
    files_before: int
    files_after: int
    bytes_before: int


def compact(lake: Lake, *, min_files: int = MIN_FILES, dry_run: bool = False) -> Compaction:
    """Merge the small files of each table and workspace into a generation of its own.

    Every version stays, so that histories are the same. Files that others let go of meanwhile stay
    as they are then. Raises LakeError.
    """
    draft = Draft(lake, is_compaction=True)
    if draft.parent is None:
        raise UsageError(f"There is nothing to compact in {lake.storage.describe()}.")
    batches = [
        (name, batch)
        for name, entry in draft.parent.tables.items()
        for batch in _batches(entry, min_files)
    ]
    merged = [file for _, batch in batches for file in batch]
    done = Compaction(
        None,
        len({name for name, _ in batches}),
        len(merged),
        len(batches),
        sum(file.bytes for file in merged),
    )
    if dry_run or not batches:
        return done
    merges = [
        _Merge(name, _merge(draft, draft.parent.tables[name], batch), batch)
        for name, batch in batches
    ]

    def after(head: Manifest | None, number: int) -> Manifest:
        return _compacted(draft, head, merges, number)

    return dataclasses.replace(
        done, generation=publish(lake, after, least=draft.generation).generation
    )


@dataclass(frozen=True)
class _Merge:
    """One file that takes the place of several of a table."""

    table: str
    file: FileEntry
    former: Sequence[FileEntry]


def _compacted(
    draft: Draft, head: Manifest | None, merges: Sequence[_Merge], number: int
) -> Manifest:
    """The newest generation with merged files in place of the former ones that it still names."""
    if head is None:
        raise LakeError("The lake's generations are gone; restore its pointer from a backup.")
    if draft.parent is None or head.compaction_stamp != draft.parent.compaction_stamp:
        raise LakeError(
            f"Another process compacted {draft.lake.storage.describe()} meanwhile; nothing of this "
            "compaction was published. Run it again when more files have come."
        )
    tables = dict(head.tables)
    compacted: dict[str, list[str]] = {}
    for merge in merges:
        gone = {one.path for one in merge.former}
        files = tables[merge.table].files
        if not gone <= {one.path for one in files}:
            continue  # a full reading dropped them meanwhile
        compacted[merge.file.path] = sorted(gone)
        kept = tuple(one for one in files if one.path not in gone)
        tables[merge.table] = dataclasses.replace(tables[merge.table], files=(merge.file, *kept))
    return dataclasses.replace(
        head,
        generation=number,
        parent=head.generation,
        created_at=datetime.now(UTC),
        tables=tables,
        workspaces=head.known_workspaces(),
        compacted=compacted,
        compaction_stamp=draft.generation,
    )


def _batches(entry: TableEntry, min_files: int) -> Iterator[list[FileEntry]]:
    """Small files of one workspace at a time, as many as are merged at once."""
    for workspace in sorted({file.workspace for file in entry.files}):
        small = [
            file for file in entry.files if file.workspace == workspace and file.bytes < SMALL_BYTES
        ]
        if len(small) < min_files:
            continue
        batch: list[FileEntry] = []
        for file in small:
            if batch and sum(one.bytes for one in batch) + file.bytes > BATCH_BYTES:
                yield batch
                batch = []
            batch.append(file)
        if len(batch) > 1:
            yield batch


def _merge(draft: Draft, entry: TableEntry, files: Sequence[FileEntry]) -> FileEntry:
    """One file with the rows of all, by key and version."""
    try:
        parts = [pq.read_table(draft.lake.resolve(file)) for file in files]
        rows = pa.concat_tables(parts, promote_options="default")
    except (OSError, pa.ArrowException) as error:
        raise LakeError(
            f"Could not merge {len(files)} files of {entry.name} ({str(error).splitlines()[0]}); "
            "nothing was changed. Restore the files from a backup, or extract with --full."
        ) from error
    known = [column.name for column in entry.columns if column.name in rows.column_names]
    others = [name for name in rows.column_names if name not in known]
    key = "source_id" if entry.kind == "link" else "id"
    rows = rows.select([*known, *others]).sort_by(
        [(key, "ascending"), ("_generation", "ascending"), ("_extracted_at", "ascending")]
    )
    writer = draft.writer(entry.name, rows.schema, workspace=files[0].workspace)
    writer.write(rows)
    written = writer.close()
    if written is None or written.rows != sum(file.rows for file in files):
        raise LakeError(
            f"{len(files)} files of {entry.name} hold other rows than their manifest says; "
            "nothing was changed. Restore them from a backup, or extract with --full."
        )
    return written
