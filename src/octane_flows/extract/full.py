"""A full reading of an entity type, kept part by part, so that a kill costs at most one part again.

An `EntityRun` and the part that a stopped extract left in, rows in the writer and digests in the
run out; `entity` calls it. Pages come in the order of their ids: all up to a part's last are held.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from octane_flows.extract.decode import DecodedPage
from octane_flows.extract.journal import Part
from octane_flows.extract.read import ReadCount
from octane_flows.extract.slices import (
    ID_OVERLAP,
    WHOLE_COMPARED,
    has_last_modified,
    next_mode,
)
from octane_flows.octane import field

if TYPE_CHECKING:
    from octane_flows.extract.entity import EntityRun

# Fifty requests of the largest page; each part is a file of its own in each table.
PART_ROWS = 50_000


def read_full(run: EntityRun, part: Part | None) -> None:
    """Read all that `run.reading` asks for, from behind `part` on where there is one."""
    query = run.reading.query
    so_far, unkept, digests = ReadCount(), 0, _Digests(run)
    if part is not None:
        _take_over(run, part, so_far)
        rest = field("id").gt(part.last_id)
        query = rest if query is None else rest & query
    for page in run.pages(query, run.count):
        run.writer.write_all(page)
        digests.add(page)
        so_far.add(page)
        unkept += page.rows
        numbers = page.numbers
        if unkept >= PART_ROWS and numbers is not None:
            last_id = numbers[-1].as_py()
            run.context.journal.append(_part(run, so_far, last_id, digests.so_far()))
            unkept = 0
    run.recent.update(digests.so_far())
    if part is not None:
        run.count.total_count += part.rows
        run.count.first_count = _plus(run.count.first_count, part.rows)
    run.count.rows = so_far.rows
    run.count.pages = so_far.pages
    run.count.bytes_received = so_far.bytes_received


def _take_over(run: EntityRun, part: Part, so_far: ReadCount) -> None:
    run.writer.take_over(part.files)
    run.recent.update(part.recent)
    run.last_id = part.last_id
    so_far.rows, so_far.pages = part.rows, part.pages
    so_far.bytes_received = part.bytes_received
    run.notes.append(f"{part.rows:,} rows were read before the extract was stopped")


def _part(run: EntityRun, so_far: ReadCount, last_id: int, recent: dict[str, str]) -> Part:
    """Close the files; what follows goes into new ones."""
    return Part(
        workspace=run.entity.workspace,
        entity=run.entity.name,
        fields=run.entity.fingerprint,
        as_of=run.as_of,
        last_id=last_id,
        rows=so_far.rows,
        pages=so_far.pages,
        bytes_received=so_far.bytes_received,
        files=run.writer.close(),
        recent=recent,
    )


def _plus(count: int | None, more: int) -> int | None:
    return None if count is None else count + more


class _Digests:
    """The digests that the next refresh compares: which rows they are of depends on its reading."""

    def __init__(self, run: EntityRun) -> None:
        options = run.context.options
        self._run = run
        self._since = run.cursor - options.overlap
        self._whole = not has_last_modified(run.entity)
        self._growing = next_mode(run.entity, named_ids=False) == "ids"
        self._ends: deque[DecodedPage] = deque(maxlen=ID_OVERLAP // options.page_size + 2)

    def add(self, page: DecodedPage) -> None:
        """Note one page."""
        run, numbers = self._run, page.numbers
        if numbers is not None and page.rows:
            run.last_id = max(run.last_id or 0, pc.max(numbers).as_py())
        if self._growing:
            self._ends.append(page)
        elif self._whole or numbers is None:
            if len(run.recent) <= WHOLE_COMPARED:
                run.recent.update(run.writer.digests(page))
        else:
            run.recent.update(run.writer.tail_digests(page, self._since))

    def so_far(self) -> dict[str, str]:
        """All digests by id."""
        recent = dict(self._run.recent)
        for page in self._ends:
            recent.update(self._run.writer.digests(page))
        return recent
