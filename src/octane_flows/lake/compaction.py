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
from octane_flows.lake.integrity import require_whole_files
from octane_flows.lake.manifest import FileEntry, Manifest, TableEntry
from octane_flows.lake.publish import publish

SMALL_BYTES = 32 << 20  # to merge a larger file again gains nothing
MIN_FILES = 8  # fewer small files cost a reader little
BATCH_BYTES = 128 << 20  # of Parquet merged at once; it takes a few times that in memory


@dataclass(frozen=True)
class Compaction:
    """What a compaction merged; `generation` None: nothing to do, or a dry run."""

    generation: int | None
    tables: int
    files_before: int
    files_after: int
    bytes_before: int


def compact(lake: Lake, *, min_files: int = MIN_FILES, dry_run: bool = False) -> Compaction:
    """Merge the small files of each table and workspace into a generation of its own.

    Every version stays, so that histories are the same. Files that another process dropped from
    the newest generation meanwhile are not merged. Raises LakeError.
    """
    draft = Draft(lake, is_compaction=True)
    if draft.parent is None:
        raise UsageError(f"There is nothing to compact in {lake.storage.describe()}.")
    batches = [
        (name, batch)
        for name, entry in draft.parent.tables.items()
        for batch in _batches(entry, min_files)
    ]
    small_files = [file for _, batch in batches for file in batch]
    plan = Compaction(
        None,
        len({name for name, _ in batches}),
        len(small_files),
        len(batches),
        sum(file.bytes for file in small_files),
    )
    if dry_run or not batches:
        return plan
    merges = [
        _Merge(name, _merge(draft, draft.parent.tables[name], batch), batch)
        for name, batch in batches
    ]

    def after(head: Manifest | None, number: int) -> Manifest:
        return _compacted(draft, head, merges, number)

    return dataclasses.replace(
        plan, generation=publish(lake, after, least=draft.generation).generation
    )


@dataclass(frozen=True)
class _Merge:
    """One file that replaces several files of a table."""

    table: str
    file: FileEntry
    replaced: Sequence[FileEntry]


def _compacted(
    draft: Draft, head: Manifest | None, merges: Sequence[_Merge], number: int
) -> Manifest:
    """The newest generation, with merged files in place of the small files that it still names."""
    if head is None:
        raise LakeError("The lake's generations are gone; restore its pointer from a backup.")
    if draft.parent is None or head.compaction_stamp != draft.parent.compaction_stamp:
        raise LakeError(
            f"Another process compacted {draft.lake.storage.describe()} meanwhile; nothing of this "
            "compaction was published. Run it again when there are more small files."
        )
    tables = dict(head.tables)
    compacted: dict[str, list[str]] = {}
    for merge in merges:
        replaced = {file.path for file in merge.replaced}
        files = tables[merge.table].files
        if not replaced <= {file.path for file in files}:
            continue  # a full extract dropped them meanwhile
        compacted[merge.file.path] = sorted(replaced)
        kept = tuple(file for file in files if file.path not in replaced)
        tables[merge.table] = dataclasses.replace(tables[merge.table], files=(merge.file, *kept))
    return dataclasses.replace(
        head,
        generation=number,
        parent=head.generation,
        created_at=datetime.now(UTC),
        tables=tables,
        compacted=compacted,
        compaction_stamp=draft.generation,
    )


def _batches(entry: TableEntry, min_files: int) -> Iterator[list[FileEntry]]:
    """Batches of small files of one workspace each; each batch becomes one file."""
    for workspace in sorted({file.workspace for file in entry.files}):
        small = [
            file for file in entry.files if file.workspace == workspace and file.bytes < SMALL_BYTES
        ]
        if len(small) < min_files:
            continue
        batch: list[FileEntry] = []
        for file in small:
            if batch and sum(entry.bytes for entry in batch) + file.bytes > BATCH_BYTES:
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
        require_whole_files(draft.lake, entry.entity, files)
        raise LakeError(
            f"Could not merge {len(files)} files of {entry.name} ({str(error).splitlines()[0]}); "
            "nothing was changed. Restore the files from a backup, or extract with --full."
        ) from error
    in_schema = [column.name for column in entry.columns if column.name in rows.column_names]
    others = [name for name in rows.column_names if name not in in_schema]
    key = "source_id" if entry.kind == "link" else "id"
    rows = rows.select([*in_schema, *others]).sort_by(
        [(key, "ascending"), ("_generation", "ascending"), ("_extracted_at", "ascending")]
    )
    writer = draft.writer(entry.name, rows.schema, workspace=files[0].workspace)
    writer.write(rows)
    written = writer.close()
    if written is None or written.rows != sum(file.rows for file in files):
        raise LakeError(
            f"{len(files)} files of {entry.name} have other rows than their manifest says; "
            "nothing was changed. Restore them from a backup, or extract with --full."
        )
    return written
