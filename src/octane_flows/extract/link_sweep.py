"""Link changes that did not touch their owner's `last_modified`: found by reading the links alone.

A range of owners in, changed link sets into the writer; each run sweeps a share and the next goes
on behind it. Only sets that differ from the newest one held are written. It meets all ids on its
way, and so tells of rows that came or vanished and hide each other from a census' counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow.compute as pc

from octane_flows.client import Query, field
from octane_flows.extract.census import MAX_ID
from octane_flows.extract.entity_reading import EntityRun
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_journal import Swept
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.lake.stored_rows import Ids, StoredRows

# Owners whose held sets are compared at once: they lie in memory.
BATCH_OWNERS = 10_000


@dataclass(frozen=True)
class Range:
    """Owners to sweep now, and where the next sweep begins (None: at the first owner again)."""

    owners: Ids
    next_from: int | None


def choose_range(held: Ids, start: int | None, share: float) -> Range:
    """The owners from `start` on that make up a share of all, at least one."""
    count = max(1, round(len(held) * share))
    place = int(held.searchsorted(start)) if start is not None else 0
    if place >= len(held):
        place = 0
    end = place + count
    return Range(held[place:end], int(held[end]) if end < len(held) else None)


def links_only(entity: EntityPlan) -> EntityPlan:
    """The plan of a reading that asks for nothing but links."""
    return replace(entity, scalars=())


def within(owners: Ids) -> Query:
    """The ids from the first to the last of a batch."""
    return field("id").between(int(owners[0]), int(owners[-1]))


def around(owners: Ids, held: Ids) -> Query:
    """The ids of a batch and all that are not held up to the next batch: nothing lies between two.

    The first owner held takes what lies before it, the last one what lies behind.
    """
    start = int(held.searchsorted(owners[0]))
    end = start + len(owners)
    low = int(owners[0]) if start else 0
    return field("id").between(low, int(held[end]) - 1 if end < len(held) else MAX_ID)


def sweep_links(
    run: EntityRun, chosen: Ids, held: Ids, query: Query | None, former: Swept | None
) -> Swept:
    """Compare the links of the chosen owners; `query` selects the rows that should be held.

    `former` is where a stopped sweep of them was.
    """
    swept = former or Swept(len(chosen))
    left = chosen if swept.up_to is None else chosen[chosen > swept.up_to]
    plan = links_only(run.entity)
    for start in range(0, len(left), BATCH_OWNERS):
        owners = left[start : start + BATCH_OWNERS]
        batch = around(owners, held)
        sweep = LinkSweep(run.entity, run.context.held, owners, run.writer)
        for page in run.pages(batch if query is None else batch & query, run.extra, plan=plan):
            sweep.compare(page)
        swept = replace(
            swept,
            up_to=int(owners[-1]),
            changed=swept.changed + sweep.changed,
            missing=(*swept.missing, *sorted(sweep.missing, key=int)),
            unknown=(*swept.unknown, *sweep.unknown),
        )
        if run.parts.is_full(len(owners)):
            run.keep(swept)
    return swept


class LinkSweep:
    """Compares pages of links with the sets held of a batch of owners."""

    def __init__(
        self, entity: EntityPlan, held: StoredRows, owners: Ids, writer: EntityWriter
    ) -> None:
        self._writer = writer
        self._owners = {str(one) for one in owners.tolist()}
        self._sets = {
            name: held.link_sets(name, entity.workspace, self._owners) for name in writer.link_names
        }
        self.changed = 0
        self.missing = set(self._owners)  # owners that no page has brought yet
        self.unknown: list[str] = []  # ids on pages that are not held

    def compare(self, page: DecodedPage) -> None:
        """Write the sets of a page that are not those held."""
        met = page.ids.to_pylist()
        self.missing.difference_update(met)
        self.unknown += [one for one in met if one not in self._owners]
        ids = [one for one in met if one in self._owners and one not in self._writer.written]
        for name in self._writer.link_names:
            table = page.tables[name]
            now: dict[str, set[tuple[str, str | None]]] = {}
            for pair in table.select(["source_id", "target_id", "target_type"]).to_pylist():
                now.setdefault(pair["source_id"], set()).add(
                    (pair["target_id"], pair["target_type"])
                )
            before = self._sets[name]
            for id in ids:
                if now.get(id, set()) != before.get(id, frozenset()):
                    chosen = table.filter(pc.equal(table["source_id"], id))
                    self._writer.write_link_set(name, id, chosen)
                    self.changed += 1
