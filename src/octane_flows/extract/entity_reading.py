"""The readings of one entity type: what is new is read and written, part by part.

A task and a writer come in; an `EntityRead` goes out, and the rows are with the writer.
`entity_types` calls it before deletions and links are looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from octane_flows.errors import RequestError, ServerError
from octane_flows.extract.cursor import (
    ADDITIONAL,
    MAX_COMPARED_ROWS,
    Kind,
    Reading,
    next_intervals,
    next_mode,
)
from octane_flows.extract.entity_result import ReadCount
from octane_flows.extract.entity_task import EntityTask
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_journal import (
    Part,
    PartCounter,
    SweepProgress,
    reading_names,
    remaining_readings,
)
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.row_digests import RecentDigests
from octane_flows.lake import NewestRow, ReadState

LIST_TYPE = "list_node"
LIST_ROOT = "list_root_id"  # null for the root of a list itself


@dataclass(frozen=True)
class EntityRead:
    """What the readings of an entity type brought; `roots` are the ids of list roots.

    `main` counts the main reading, `additional` the others. `recent` are digests by id.
    """

    main: ReadCount
    additional: ReadCount
    recent: Mapping[str, str]
    last_id: int | None
    newest: NewestRow | None
    roots: tuple[str, ...]
    notes: tuple[str, ...]


def request_first_page(task: EntityTask) -> Future[DecodedPage | None] | None:
    """Request the first page now, where the whole answer is likely to be on it."""
    _, first = next(remaining_readings(task.readings, task.part), (0, None))
    if first is None or first.kind == "full":
        return None
    return task.pages().request(first.query)


class EntityReading:
    """Reads one entity type and notes in the journal how far it came."""

    def __init__(self, task: EntityTask, writer: EntityWriter) -> None:
        self._task = task
        self._writer = writer
        self._part_counter = PartCounter()
        self._place = 0  # of the reading in progress
        self._rows = 0  # of the reading in progress
        self._main = ReadCount()
        self._additional = ReadCount()
        self._notes: list[str] = []
        self._roots: list[str] = []
        part, state = task.part, task.state
        last_id = state.last_id if state is not None else None
        newest = state.newest_row if state is not None and task.main.kind != "full" else None
        if part is not None:
            writer.take_over(part.files, full=task.main.kind == "full", new_rows=part.new_rows)
            last_id, newest = part.last_id, part.newest
            self._place, self._rows = len(part.readings) - 1, part.rows
            self._main, self._additional = part.main, part.additional
            self._notes += part.notes
            self._roots += part.roots
        self._recent = RecentDigests(
            task.entity,
            task.moments.next_overlap_start,
            task.context.options.page_size,
            digests=part.recent if part is not None else {},
            last_id=last_id,
            newest=newest,
        )

    def read(self, first_page: Future[DecodedPage | None] | None) -> EntityRead:
        """Read and write everything that is new."""
        for place, reading in remaining_readings(self._task.readings, self._task.part):
            if place != self._place:
                self._place, self._rows = place, 0
            try:
                self._read(reading, first_page)
            except ServerError as error:
                # a server without {null}, and one that fails at {null} beside another condition
                is_refused = isinstance(error, RequestError) or type(error) is ServerError
                if reading.kind != "new fields" or not is_refused:
                    raise
                self._notes.append(
                    f"the server cannot select rows with a value in {self._new_fields}, so all "
                    "rows were read again"
                )
                self._read(Reading("new fields", self._task.stored_query), None)
            if reading.kind == "new fields":
                self._notes.append(f"new fields {self._new_fields}: {self._rows} rows read again")
            first_page = None
        return self._so_far()

    def _read(self, reading: Reading, first_page: Future[DecodedPage | None] | None) -> None:
        is_additional = reading.kind in ADDITIONAL
        before = self._additional if is_additional else self._main
        count = ReadCount()
        for page in self._task.pages().read(reading.query, count, first_page=first_page):
            self._write(page, reading.kind)
            self._rows += page.rows
            self._set_count(before.followed_by(count), is_additional=is_additional)
            numbers = page.numbers
            if numbers is not None and len(numbers) and self._part_counter.is_full(page.rows):
                self._journal_part(self._so_far(), numbers[-1].as_py())
            del page, numbers  # they may be large, and the next page is read first
        self._set_count(before.followed_by(count), is_additional=is_additional)

    def _set_count(self, count: ReadCount, *, is_additional: bool) -> None:
        if is_additional:
            self._additional = count
        else:
            self._main = count

    @property
    def _new_fields(self) -> str:
        return ", ".join(field.name for field in self._task.previous.new_fields)

    def _write(self, page: DecodedPage, kind: Kind) -> None:
        """Write what is new on a page, and note what the next refresh must know of it."""
        if kind == "full":
            self._writer.write_all(page)
            self._recent.add_full(page)
        elif kind in ADDITIONAL:
            self._writer.write_changed(page, {})
        else:
            previous = self._task.state.recent if self._task.state is not None else {}
            self._recent.add(page, self._writer.write_changed(page, previous), kind)
            table = page.tables[self._task.entity.name]
            if self._task.entity.name == LIST_TYPE and LIST_ROOT in table.column_names:
                self._roots.extend(table.filter(pc.is_null(table[LIST_ROOT]))["id"].to_pylist())

    def _so_far(self) -> EntityRead:
        return EntityRead(
            self._main,
            self._additional,
            self._recent.digests(),
            self._recent.last_id,
            self._recent.newest,
            tuple(self._roots),
            tuple(self._notes),
        )

    def keep_sweep(
        self, read: EntityRead, owners: int, sweep: SweepProgress, cost: ReadCount
    ) -> None:
        """Note in the journal how far a link sweep came, once a part is full.

        `owners` were read since the last call; `cost` is that of the whole sweep.
        """
        if self._part_counter.is_full(owners):
            additional = read.additional.followed_by(cost)
            self._journal_part(replace(read, additional=additional), read.last_id or 0, sweep)

    def _journal_part(
        self, read: EntityRead, up_to: int, sweep: SweepProgress | None = None
    ) -> None:
        """Add all that is read so far to the journal; what follows goes into new files."""
        entity = self._task.entity
        self._task.context.journal.append(
            Part(
                workspace=entity.workspace,
                entity=entity.name,
                fields=entity.fingerprint,
                as_of=self._task.moments.as_of,
                readings=reading_names(self._task.readings)[: self._place + 1],
                up_to=up_to,
                rows=self._rows,
                files=self._writer.close(),
                main=read.main,
                additional=read.additional,
                new_rows=self._writer.new_rows,
                recent=dict(read.recent),
                last_id=read.last_id,
                newest=read.newest,
                clock_ahead=self._task.moments.ahead,
                roots=read.roots,
                notes=read.notes,
                sweep=sweep,
                rejected=self._writer.rejected.values(),
                taken=self._writer.rejected.taken(),
            )
        )


def read_state(task: EntityTask, writer: EntityWriter, read: EntityRead) -> ReadState:
    """The read state after a reading; deletions and links add to it what they found."""
    state, moments = task.state, task.moments
    is_full = task.main.kind == "full"
    named_ids = bool(writer.names) if is_full else state is not None and state.mode == "whole"
    mode = next_mode(task.entity, named_ids=named_ids)
    recent = dict(read.recent)
    if mode == "whole" and len(recent) > MAX_COMPARED_ROWS:
        recent = {}
    return replace(
        state if state is not None else ReadState(mode, moments.cursor),
        mode=mode,
        cursor=moments.cursor,
        intervals=next_intervals(state, task.context.options, moments.cursor, task.slices),
        last_id=read.last_id,
        recent=recent,
        newest_row=read.newest,
        clock_ahead=moments.ahead,
        past_cursors=moments.past_cursors(state),
    )
