"""Digests of rows, which tell a row that an overlap brings again from a new version of it.

Decoded pages come in, digests by id go out: `entity_writer` compares them, and those that the next
refresh needs become part of the read state. Link sets count as part of their owner; columns without
a value do not count, so that a new column alone makes no new version.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from octane_flows.extract.cursor import ID_OVERLAP, MAX_COMPARED_ROWS, Kind, next_mode
from octane_flows.extract.extract_plan import (
    CHANGED,
    VERSION,
    EntityPlan,
)
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.row_ids import id_number
from octane_flows.lake import NewestRow
from octane_flows.lake.arrow_arrays import arrow_array, arrow_scalar
from octane_flows.lake.key_columns import LINK_KEY_NAMES, OWN_COLUMN_NAMES

DIGEST_BYTES = 8  # of rows with the same id at most a few dozen versions are ever compared
LARGE_BYTES = 16 << 20  # of the rows of a page
LONG_TEXT_BYTES = 64 << 10


def page_digests(page: DecodedPage, entity: EntityPlan) -> dict[str, str]:
    """Digests of all rows of a page by id."""
    links = {link.name: page.tables[entity.link_table(link)] for link in entity.links}
    return row_digests(page.tables[entity.name], links)


def changed_digests(page: DecodedPage, entity: EntityPlan, since: datetime) -> dict[str, str]:
    """Digests of those rows of a page that changed at or after a time."""
    table = page.tables[entity.name]
    if CHANGED not in table.column_names:
        return {}
    moment = arrow_scalar(since.replace(tzinfo=None), pa.timestamp("us"))
    changed = table.filter(pc.greater_equal(table[CHANGED], moment))
    if not changed.num_rows:
        return {}
    owners = changed["id"].combine_chunks()
    links = {}
    for link in entity.links:
        pairs = page.tables[entity.link_table(link)]
        links[link.name] = pairs.filter(pc.is_in(pairs["source_id"], value_set=owners))
    return row_digests(changed, links)


def row_digests(rows: pa.Table, links: Mapping[str, pa.Table]) -> dict[str, str]:
    """Digests by id; `links` are the link tables of the same page by field."""
    sets: dict[str, list[tuple[str, str, str | None]]] = {}
    for name, table in links.items():
        for pair in table.select(LINK_KEY_NAMES).to_pylist():
            sets.setdefault(pair["source_id"], []).append(
                (name, pair["target_id"], pair["target_type"] or "")
            )
    names = [name for name in rows.column_names if name not in OWN_COLUMN_NAMES]
    chosen = _with_short_texts(rows.select(names))
    return {
        row["id"]: _digest(
            [
                {key: value for key, value in row.items() if value is not None},
                sorted(sets.get(row["id"], ())),
            ]
        )
        for row in chosen.to_pylist()
    }


def _with_short_texts(rows: pa.Table) -> pa.Table:
    """The rows with digests in place of long texts, which would be copied several times."""
    for place, name in enumerate(rows.column_names):
        column = rows[name]
        if not pa.types.is_string(column.type):
            continue
        if (pc.max(pc.binary_length(column)).as_py() or 0) < LONG_TEXT_BYTES:
            continue
        texts = [text for chunk in column.chunks for text in _short_texts(chunk)]
        rows = rows.set_column(place, name, arrow_array(texts, pa.string()))
    return rows


def _short_texts(texts: pa.StringArray) -> Iterator[str | None]:
    """Each text or, without a copy of it, the digest of a long one."""
    _, offsets, data = texts.buffers()
    places = memoryview(offsets).cast("i")[texts.offset : texts.offset + len(texts) + 1]
    content = memoryview(data if data is not None else b"")
    for place in range(len(texts)):
        size = places[place + 1] - places[place]
        if size < LONG_TEXT_BYTES:
            yield texts[place].as_py()
        else:
            digest = hashlib.blake2b(
                content[places[place] : places[place + 1]], digest_size=DIGEST_BYTES
            )
            yield f"{size} {digest.hexdigest()}"


def _digest(value: object) -> str:
    text = json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_BYTES).hexdigest()


class RecentDigests:
    """The digests of one entity type that the next refresh compares; pages are added in order.

    `since` is where the next overlap begins. Which rows are needed depends on how the next refresh
    reads.
    """

    def __init__(
        self,
        entity: EntityPlan,
        since: datetime,
        page_size: int,
        *,
        digests: Mapping[str, str],
        last_id: int | None,
        newest: NewestRow | None,
    ) -> None:
        self.last_id = last_id
        self.newest = newest
        self._digests = dict(digests)
        self._entity = entity
        self._since = since
        self._is_growing = next_mode(entity, named_ids=False) == "ids"
        self._last_pages: deque[DecodedPage] = deque(maxlen=ID_OVERLAP // page_size + 2)

    def add_full(self, page: DecodedPage) -> None:
        """Add a page of a full reading; most of its rows need no digest."""
        self._update_edges(page)
        if self._is_growing:
            if page.tables[self._entity.name].nbytes < LARGE_BYTES:
                self._last_pages.append(page)
            else:  # few rows that would fill the memory
                self._digests.update(page_digests(page, self._entity))
        elif not self._entity.has_last_modified or page.numbers is None:
            if len(self._digests) <= MAX_COMPARED_ROWS:
                self._digests.update(page_digests(page, self._entity))
        else:
            self._digests.update(changed_digests(page, self._entity, self._since))

    def add(self, page: DecodedPage, digests: Mapping[str, str], kind: Kind) -> None:
        """Add a page of a refresh with the digests of its rows."""
        self._update_edges(page)
        if kind == "newest":
            times = page.tables[self._entity.name][CHANGED].to_pylist()
            since = self._since.replace(tzinfo=None)
            digests = {
                id: digests[id]
                for id, time in zip(page.ids.to_pylist(), times, strict=True)
                if time is None or time >= since
            }
        self._digests.update(digests)

    def digests(self) -> dict[str, str]:
        """All digests of the pages so far that the next refresh needs."""
        digests = dict(self._digests)
        for page in self._last_pages:
            digests.update(page_digests(page, self._entity))
        if self._is_growing:
            edge = (self.last_id or 0) - ID_OVERLAP
            numbers = {id: id_number(id) for id in digests}
            digests = {
                id: digest
                for id, digest in digests.items()
                if (number := numbers[id]) is None or number > edge
            }
        return digests

    def _update_edges(self, page: DecodedPage) -> None:
        """The highest id and the newest `last_modified` so far."""
        if page.numbers is not None and len(page.numbers):
            self.last_id = max(self.last_id or 0, pc.max(page.numbers).as_py())
        table = page.tables[self._entity.name]
        if CHANGED not in table.column_names:
            return
        newest = pc.max(table[CHANGED]).as_py()
        if newest is None:
            return
        changed = newest.replace(tzinfo=UTC)
        if self.newest is None or changed >= self.newest.changed:
            place = pc.index(table[CHANGED], arrow_scalar(newest, table[CHANGED].type)).as_py()
            has_version = VERSION in table.column_names
            version = table[VERSION][place].as_py() if has_version else None
            self.newest = NewestRow(table["id"][place].as_py(), changed, version)
