"""The link sweep: finds link changes that left their owner's `last_modified` as it was.

A task, its writer and the stored ids come in; changed link sets go to the writer and a `Sweep` goes
out. `entity_types` calls it. Each extract sweeps a share of the owners and the next one continues
after it. Only sets that differ from the newest stored ones are written. A sweep meets all ids on
its way, so it also finds a deleted row and a new one that cancel out in the counts of a census.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow.compute as pc

from octane_flows.client import Query, field
from octane_flows.extract.census import MAX_ID
from octane_flows.extract.entity_result import ReadCount
from octane_flows.extract.entity_task import EntityTask
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_journal import SweepProgress
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.lake.key_columns import LINK_KEY_NAMES
from octane_flows.lake.stored_rows import Ids

# Owners whose stored sets are compared at once: they lie in memory.
BATCH_OWNERS = 10_000

#: Called with (owners read since the last call, how far the sweep came, its cost so far).
KeepSweep = Callable[[int, SweepProgress, ReadCount], None]


@dataclass(frozen=True)
class Sweep:
    """A link sweep that is done; the next one begins at `next_from` (None: the first owner)."""

    progress: SweepProgress
    next_from: int | None
    cost: ReadCount
    note: str


def sweep_links(task: EntityTask, writer: EntityWriter, stored: Ids, keep: KeepSweep) -> Sweep:
    """Compare the links of a share of the owners; goes on where a stopped sweep of them was."""
    state, share = task.state, task.context.options.sweep_share
    chosen, next_from = choose_owners(
        stored, state.sweep_from if state is not None else None, share
    )
    stopped = task.part.sweep if task.part is not None else None
    progress = stopped or SweepProgress(len(chosen))
    left = chosen if progress.up_to is None else chosen[chosen > progress.up_to]
    pages, cost = task.pages(links_only=True), ReadCount()
    for start in range(0, len(left), BATCH_OWNERS):
        owners = left[start : start + BATCH_OWNERS]
        query = query_around(owners, stored)
        if task.stored_query is not None:
            query = query & task.stored_query
        comparison, count = LinkComparison(task, writer, owners), ReadCount()
        for page in pages.read(query, count):
            comparison.compare(page)
        cost = cost.followed_by(count)
        progress = replace(
            progress,
            up_to=int(owners[-1]),
            changed=progress.changed + comparison.changed,
            unanswered=(*progress.unanswered, *sorted(comparison.unanswered, key=int)),
            unread=(*progress.unread, *comparison.unread),
        )
        keep(len(owners), progress, cost)
    note = (
        f"link sweep: {progress.owners:,} of {len(stored):,} owners, "
        f"{progress.changed} sets changed"
    )
    return Sweep(progress, next_from, cost, note)


def choose_owners(stored: Ids, start: int | None, share: float) -> tuple[Ids, int | None]:
    """The owners from `start` on that make up a share of all, at least one; and the next start."""
    count = max(1, round(len(stored) * share))
    place = int(stored.searchsorted(start)) if start is not None else 0
    if place >= len(stored):
        place = 0
    end = place + count
    return stored[place:end], int(stored[end]) if end < len(stored) else None


def query_around(owners: Ids, stored: Ids) -> Query:
    """The ids of a batch and the ids that are not stored up to the next batch.

    So no id lies between two batches. The batch of the first stored owner takes all lower ids, that
    of the last one all higher ids.
    """
    start = int(stored.searchsorted(owners[0]))
    end = start + len(owners)
    low = int(owners[0]) if start else 0
    return field("id").between(low, int(stored[end]) - 1 if end < len(stored) else MAX_ID)


class LinkComparison:
    """Compares pages of links with the stored sets of a batch of owners.

    `unanswered` are the owners that no page has brought yet, `unread` the ids on pages that are not
    stored, `changed` is the number of sets written.
    """

    def __init__(self, task: EntityTask, writer: EntityWriter, owners: Ids) -> None:
        self._writer = writer
        self._owners = {str(id) for id in owners.tolist()}
        self._sets = {
            name: task.context.stored.link_sets(name, task.entity.workspace, self._owners)
            for name in writer.link_names
        }
        self.changed = 0
        self.unanswered = set(self._owners)
        self.unread: list[str] = []

    def compare(self, page: DecodedPage) -> None:
        """Write the sets of a page that differ from the stored ones."""
        self._writer.rejected.add(page)
        page_ids = page.ids.to_pylist()
        self.unanswered.difference_update(page_ids)
        self.unread += [id for id in page_ids if id not in self._owners]
        ids = [id for id in page_ids if id in self._owners and id not in self._writer.written]
        for name in self._writer.link_names:
            table = page.tables[name]
            now: dict[str, set[tuple[str, str | None]]] = {}
            for pair in table.select(LINK_KEY_NAMES).to_pylist():
                now.setdefault(pair["source_id"], set()).add(
                    (pair["target_id"], pair["target_type"])
                )
            before = self._sets[name]
            for id in ids:
                if now.get(id, set()) != before.get(id, frozenset()):
                    links = table.filter(pc.equal(table["source_id"], id))
                    self._writer.write_link_set(name, id, links)
                    self.changed += 1
