"""The readings of one entity type, kept part by part, so that a kill costs at most one part again.

Its readings and the part that a stopped extract left in, what is left to read out; `entity` calls
it. Pages come in the order of their ids: all rows up to a part's last id are held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from octane_flows.client import field
from octane_flows.extract.cursor import Reading
from octane_flows.extract.extract_journal import Part
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_to_arrow import DecodedPage

# Fifty requests of the largest page; each part is a file of its own in each table.
PART_ROWS = 50_000


class Parts:
    """Where the readings of an entity type are; `former` is what a stopped extract had read."""

    def __init__(self, entity: EntityPlan, readings: Sequence[Reading], part: Part | None) -> None:
        self._readings = readings
        self._asked = tuple(f"{one.kind}: {one.query}" for one in readings)
        fits = (
            part is not None
            and part.fields == entity.fingerprint
            and part.asked == self._asked[: len(part.asked)]
        )
        self.former = part if fits else None
        self._place = len(part.asked) - 1 if fits and part is not None else 0
        self._unkept = 0
        self.rows = self.former.rows if self.former is not None else 0  # of the reading under way

    def first(self) -> Reading | None:
        """What is left of the reading that comes next, None when all are done."""
        reading, part = self._readings[self._place], self.former
        if part is None:
            return reading
        if part.swept is not None:
            return None
        behind = field("id").gt(part.up_to)
        query = behind if reading.query is None else behind & reading.query
        return replace(reading, query=query)

    def left(self) -> Iterator[Reading]:
        """What is left to read, one reading after the other."""
        first = self.first()
        if first is None:
            return
        yield first
        for place in range(self._place + 1, len(self._readings)):
            self._place, self.rows = place, 0
            yield self._readings[place]

    @property
    def asked(self) -> tuple[str, ...]:
        """The readings begun; the last is under way."""
        return self._asked[: self._place + 1]

    def ends_with(self, page: DecodedPage) -> int | None:
        """Count a page that was written; its last id where a part is to end with it."""
        self.rows += page.rows
        if page.numbers is None or not self.is_full(page.rows):
            return None
        last: int = page.numbers[-1].as_py()
        return last

    def is_full(self, rows: int) -> bool:
        """Count rows, or owners whose links were read; whether a part is to end with them."""
        self._unkept += rows
        if self._unkept < PART_ROWS:
            return False
        self._unkept = 0
        return True
