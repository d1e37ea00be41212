"""The files of one entity type in one generation: its rows, its link sets, its tombstones.

Decoded pages come in, file entries go out; readings, deletions and links write here. A row is
written once in a generation; of pages that an overlap brings again only new versions are written.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octane_flows.errors import AnswerError
from octane_flows.extract.extract_plan import (
    EntityPlan,
    TablePlan,
    arrow_schema,
)
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.rejected_values import RejectedValues
from octane_flows.extract.row_digests import page_digests
from octane_flows.extract.row_to_arrow import Stamp, stamp_arrays
from octane_flows.lake import ColumnEntry, Draft, FileEntry
from octane_flows.lake.arrow_arrays import arrow_array
from octane_flows.lake.key_columns import OWN_COLUMNS
from octane_flows.lake.stored_rows import StoredRows
from octane_flows.lake.table_writer import TableWriter, has_large_rows

#: The reason of a deletion; only files of tombstones have the column.
DELETED_REASON = ColumnEntry("_deleted_reason", "VARCHAR", None, None, "Why it is a tombstone")
_TOMBSTONE = arrow_schema(
    [ColumnEntry("id", "VARCHAR"), ColumnEntry("type", "VARCHAR"), *OWN_COLUMNS, DELETED_REASON]
)


class EntityWriter:
    """Writes what one extract reads of one entity type in one workspace.

    A context manager that deletes open files when an error leaves it. `stored` are the rows of the
    lake before, `rejected` the values that the lake cannot hold.
    """

    def __init__(
        self,
        draft: Draft,
        entity: EntityPlan,
        tables: Mapping[str, TablePlan],
        stamp: Stamp,
        stored: StoredRows,
        rejected: RejectedValues,
    ) -> None:
        self._draft = draft
        self._entity = entity
        self._tables = tables
        self._stamp = stamp
        self._stored = stored
        self.rejected = rejected
        self._writers: dict[str, TableWriter] = {}
        self._files: dict[str, list[FileEntry]] = {}
        self.link_names = {entity.link_table(link): link.name for link in entity.links}
        self.written: set[str] = set()  # ids of single versions; not of a full reading
        self.new_rows = 0  # versions of rows that were not stored before
        self.rows = 0
        self.links = 0
        self.numbers = array("q")  # ids of a full reading, where they are numbers
        self.names: list[str] = []  # and where they are not

    def __enter__(self) -> EntityWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._discard()

    def write_all(self, page: DecodedPage) -> None:
        """Write every row of a page of a full reading, which replaces what was stored."""
        self.rejected.add(page)
        numbers = page.numbers
        if numbers is None:
            self.names.extend(page.ids.to_pylist())
        elif len(numbers):
            # a reading that continues after a stop must not bring again what its parts have
            if self.numbers and numbers[0].as_py() <= self.numbers[-1]:
                raise AnswerError(
                    f"Workspace {self._entity.workspace}: the collection {self._entity.collection} "
                    f"gave id {numbers[0]} after {self.numbers[-1]}, so rows would be stored "
                    "twice. Nothing was published; run it again."
                )
            self.numbers.extend(numbers.to_pylist())
        for name, table in page.tables.items():
            self._write(name, table)

    def write_changed(self, page: DecodedPage, previous: Mapping[str, str]) -> dict[str, str]:
        """Write the rows whose digest is not the previous one; returns the digests of all rows."""
        self.rejected.add(page)
        digests = page_digests(page, self._entity)
        changed = [
            id
            for id, digest in digests.items()
            if previous.get(id) != digest and id not in self.written
        ]
        if changed:
            self.write_rows(page, changed)
        return digests

    def write_rows(self, page: DecodedPage, ids: Sequence[str]) -> None:
        """Write some rows of a page as new versions, their link sets replaced whole."""
        table = page.tables[self._entity.name]
        chosen = arrow_array(ids, pa.string())
        if len(ids) < table.num_rows:
            table = table.filter(pc.is_in(table["id"], value_set=chosen))
        self._write(self._entity.name, table)
        before = self._stored.live_ids_among(self._entity.name, self._entity.workspace, ids)
        self.new_rows += len(ids) - len(before)
        for name in self.link_names:
            links = page.tables[name]
            links = links.filter(pc.is_in(links["source_id"], value_set=chosen))
            self._write(name, links)
            emptied = before.difference(links["source_id"].to_pylist())
            self._empty_sets(name, emptied)
        self.written.update(ids)

    def write_link_set(self, name: str, id: str, links: pa.Table) -> None:
        """Replace one link set of one owner."""
        self._write(name, links)
        if not links.num_rows:
            self._empty_sets(name, [id])

    def write_tombstones(self, reasons: Mapping[str, str]) -> None:
        """Write tombstones of deleted rows with the reason of each, and empty their link sets."""
        if not reasons:
            return
        ids = sorted(reasons)
        keys: dict[str, pa.Array] = {
            "id": arrow_array(ids, pa.string()),
            "type": arrow_array([self._entity.name] * len(ids), pa.string()),
            "_deleted_reason": arrow_array([reasons[id] for id in ids], pa.string()),
        }
        writer = self._draft.writer(self._entity.name, _TOMBSTONE, workspace=self._entity.workspace)
        writer.write(self._tombstones(_TOMBSTONE, keys, len(ids)))
        self._keep(self._entity.name, writer)
        self.rows += len(ids)
        self.written.update(ids)
        self.rejected.forget(ids)
        for name in self.link_names:
            self._empty_sets(name, ids)

    def already_written(self, ids: Iterable[str]) -> None:
        """Write no rows of these ids: other files of the generation have them."""
        self.written.update(ids)

    def take_over(
        self, files: Mapping[str, Sequence[FileEntry]], *, full: bool, new_rows: int
    ) -> None:
        """Count the files of a stopped extract as written by this one."""
        self.new_rows = new_rows
        for name, entries in files.items():
            self._files[name] = list(entries)
            rows = sum(entry.rows for entry in entries)
            if name != self._entity.name:
                self.links += rows
                continue
            self.rows += rows
            for entry in entries:
                ids = pq.read_table(self._draft.lake.resolve(entry), columns=["id"])["id"]
                if full:
                    self.numbers.extend(pc.cast(ids, pa.int64()).to_pylist())
                else:
                    self.written.update(ids.to_pylist())

    def close(self) -> dict[str, list[FileEntry]]:
        """Close every file; returns all entries by table. Later rows go into new files."""
        for name, writer in self._writers.items():
            self._keep(name, writer)
        self._writers.clear()
        return {name: list(files) for name, files in self._files.items()}

    def _discard(self) -> None:
        """Delete the open files."""
        for writer in self._writers.values():
            writer.discard()

    def _write(self, name: str, table: pa.Table) -> None:
        if not table.num_rows:
            return
        is_large = has_large_rows(table)
        writer = self._writers.get(name)
        if writer is not None and is_large and not writer.of_large_rows:
            self._keep(name, self._writers.pop(name))
            writer = None
        if writer is None:
            schema = arrow_schema(self._tables[name].columns)
            writer = self._draft.writer(
                name, schema, workspace=self._entity.workspace, of_large_rows=is_large
            )
            self._writers[name] = writer
        writer.write(table)
        if name == self._entity.name:
            self.rows += table.num_rows
        else:
            self.links += table.num_rows

    def _empty_sets(self, name: str, owners: Iterable[str]) -> None:
        """Write that owners have no links: without a row the previous set would stay the newest."""
        ids = sorted(owners)
        if not ids or not self._stored.has_rows(name, self._entity.workspace):
            return
        schema = arrow_schema(self._tables[name].columns)
        keys = {"source_id": arrow_array(ids, pa.string())}
        self._write(name, self._tombstones(schema, keys, len(ids)))

    def _tombstones(self, schema: pa.Schema, keys: dict[str, pa.Array], count: int) -> pa.Table:
        values = {**keys, **stamp_arrays(self._stamp, count, deleted=True)}
        columns = [
            values[field.name] if field.name in values else pa.nulls(count, field.type)
            for field in schema
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    def _keep(self, name: str, writer: TableWriter) -> None:
        file = writer.close()
        if file is not None:
            self._files.setdefault(name, []).append(file)
