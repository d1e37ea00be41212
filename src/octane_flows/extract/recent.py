"""The digests that the next refresh compares, to tell a row that it meets again from a new version.

Pages in, digests by id and the highest id out, which become the read state; `entity` calls it.
Which rows they are of depends on how the next refresh reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime

import pyarrow.compute as pc

from octane_flows.extract.cursor import (
    CHANGED,
    ID_OVERLAP,
    WHOLE_COMPARED,
    Kind,
    has_last_modified,
    next_mode,
)
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_to_arrow import DecodedPage


class Recent:
    """Digests of one entity type; `since` is where the next overlap will begin."""

    def __init__(
        self, entity: EntityPlan, writer: EntityWriter, since: datetime, page_size: int
    ) -> None:
        self.digests: dict[str, str] = {}
        self.last_id: int | None = None
        self._entity = entity
        self._writer = writer
        self._since = since
        self._dated = has_last_modified(entity)
        self._growing = next_mode(entity, named_ids=False) == "ids"
        self._ends: deque[DecodedPage] = deque(maxlen=ID_OVERLAP // page_size + 2)

    def add_full(self, page: DecodedPage) -> None:
        """Note a page of a full reading; of most of its rows no digest is needed."""
        self._note_last_id(page)
        if self._growing:
            self._ends.append(page)
        elif not self._dated or page.numbers is None:
            if len(self.digests) <= WHOLE_COMPARED:
                self.digests.update(self._writer.digests(page))
        else:
            self.digests.update(self._writer.tail_digests(page, self._since))

    def add(self, page: DecodedPage, digests: Mapping[str, str], kind: Kind) -> None:
        """Note a page of a refresh, whose digests are known."""
        self._note_last_id(page)
        if kind == "newest":
            changed = page.tables[self._entity.name][CHANGED].to_pylist()
            moment = self._since.replace(tzinfo=None)
            digests = {
                id: digests[id]
                for id, at in zip(page.ids.to_pylist(), changed, strict=True)
                if at is None or at >= moment
            }
        self.digests.update(digests)

    def so_far(self) -> dict[str, str]:
        """All digests that the next refresh will ask for."""
        found = dict(self.digests)
        for page in self._ends:
            found.update(self._writer.digests(page))
        if self._growing:
            edge = (self.last_id or 0) - ID_OVERLAP
            found = {id: one for id, one in found.items() if int(id) > edge}
        return found

    def close(self) -> None:
        """All pages are noted."""
        self.digests = self.so_far()
        self._ends.clear()

    def _note_last_id(self, page: DecodedPage) -> None:
        if page.numbers is not None and page.rows:
            self.last_id = max(self.last_id or 0, pc.max(page.numbers).as_py())
