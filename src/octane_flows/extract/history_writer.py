"""The files of one history: saves in, rows of `history_log` that are new out, part by part.

`history_reader` makes one for each entity type of a workspace. After each part the journal knows
how far the reading came, so that an extract that is stopped goes on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from threading import Lock

import pyarrow as pa

from octane_flows.extract.cursor import MAX_COMPARED_ROWS
from octane_flows.extract.entity_result import ReadCount
from octane_flows.extract.extract_journal import PART_ROWS, Journal, Part
from octane_flows.extract.history_records import SCHEMA, TABLE, Save, history_rows
from octane_flows.extract.server_times import Moments
from octane_flows.lake import Draft, FileEntry
from octane_flows.lake.manifest import HISTORY_PREFIX
from octane_flows.lake.table_writer import TableWriter


def state_key(entity_type: str) -> str:
    """The name of a type's history among read states, in the certificate and in the journal."""
    return HISTORY_PREFIX + entity_type


class HistoryWriter:
    """Writes the rows of one reading that the lake does not have.

    `previous` are the ids of stored rows that an overlap brings again. `resumed_at` is where a
    stopped extract came to: a time in seconds or an entity's id; None: from the beginning.
    """

    def __init__(
        self,
        draft: Draft,
        workspace: str,
        entity_type: str,
        moments: Moments,
        journal: Journal,
        lock: Lock,
        *,
        reading: str,
        previous: Collection[str],
    ) -> None:
        self.entity_type = entity_type
        self._draft = draft
        self._workspace = workspace
        self._journal = journal
        self._lock = lock
        self._reading = reading
        self._previous = previous
        part = journal.parts.get((workspace, state_key(entity_type)))
        if part is not None and (part.fields, part.readings) != (tuple(SCHEMA.names), (reading,)):
            part = None
        if part is not None and moments.was_ahead(part.clock_ahead, part.as_of):
            part = None
        self.resumed_at = part.up_to if part is not None else None
        self.moments = moments if part is None else moments.not_after(part.as_of)
        self.files: list[FileEntry] = list(part.files[TABLE]) if part is not None else []
        self.rows = part.rows if part is not None else 0
        self.oldest = _moment(part.last_id) if part is not None else None
        self._recent = dict(part.recent) if part is not None else {}
        self._file = self._new_file()

    def _new_file(self) -> TableWriter:
        return self._draft.writer(TABLE, SCHEMA, workspace=self._workspace)

    @property
    def recent(self) -> dict[str, str]:
        """The rows that the next refresh reads again in its overlap; of too many none."""
        return self._recent if len(self._recent) <= MAX_COMPARED_ROWS else {}

    def write(self, saves: Sequence[Save]) -> None:
        """Write the rows of saves, which are all of their seconds."""
        if not saves:
            return
        oldest = min(save.changed_at for save in saves)
        self.oldest = oldest if self.oldest is None else min(self.oldest, oldest)
        recent_from = self.moments.next_overlap_start.replace(tzinfo=None)
        stamp = {
            "_workspace_id": self._workspace,
            "_generation": self._draft.generation,
            "_extracted_at": self.moments.as_of.astimezone(UTC).replace(tzinfo=None),
            "_deleted": False,
        }
        rows = []
        for row in history_rows(self.entity_type, saves):
            if row["changed_at"] >= recent_from:
                self._recent[row["id"]] = ""
            if row["id"] not in self._previous:
                rows.append({**row, **stamp})
        if rows:
            self._file.write(pa.Table.from_pylist(rows, schema=SCHEMA))
            self.rows += len(rows)

    def end_part(self, up_to: int) -> None:
        """Everything newer than `up_to`, or of ids up to it, is written; a full part is noted."""
        if self._file.rows < PART_ROWS:
            return
        self.close()
        self._file = self._new_file()
        with self._lock:
            self._journal.append(
                Part(
                    workspace=self._workspace,
                    entity=state_key(self.entity_type),
                    fields=tuple(SCHEMA.names),
                    as_of=self.moments.as_of,
                    clock_ahead=self.moments.ahead,
                    readings=(self._reading,),
                    up_to=up_to,
                    rows=self.rows,
                    files={TABLE: self.files},
                    main=ReadCount(rows=self.rows),
                    recent=self.recent,
                    last_id=int(self.oldest.timestamp()) if self.oldest is not None else None,
                )
            )

    def close(self) -> None:
        """Finish the open file."""
        file = self._file.close()
        self.files += [file] if file is not None else []

    def discard(self) -> None:
        """Delete the open file; finished files are in the journal."""
        self._file.discard()

    def delete_files(self) -> None:
        """Delete the finished files, too: the history cannot be read to its end."""
        for file in self.files:
            self._draft.lake.storage.delete(file.path)


def _moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
