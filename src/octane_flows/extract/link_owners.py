"""Link sets that a change elsewhere touched: those of the owners that new and changed rows name.

What an extract has read in, the results whose owners have other sets out; `every_type` calls it
last. A new run is one of its test's last runs, and the test's own `last_modified` need not rise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from octane_flows.client import Field, Id, Query
from octane_flows.client import field as field_
from octane_flows.extract.census import IDS_PER_REQUEST
from octane_flows.extract.cursor import has_last_modified
from octane_flows.extract.entity_reading import EntityRun
from octane_flows.extract.entity_task import Context, Known
from octane_flows.extract.extract_journal import Key, Result
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.link_sweep import BATCH_OWNERS, LinkSweep, links_only, within
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.tables import merge_tables
from octane_flows.lake.stored_rows import LINK_PREFIX, Ids, StoredRows

# Where more than this share of all owners is touched, pages of all of them are read instead.
WHOLE_SHARE = 0.5


@dataclass
class Touched:
    """Owners of one entity type whose sets may be others now, and the fields that hold them."""

    ids: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def read_touched(
    context: Context, results: Mapping[Key, Result], known: Callable[[EntityPlan], Known]
) -> dict[Key, Result]:
    """Read the touched link sets and write those that differ; the results that this changes.

    Rows of a type that was read whole bring their sets along, and so do rows that were written.
    """
    owners = {
        key: entity
        for entity in context.plan.entities
        if entity.links
        and (key := (entity.workspace, entity.name)) in results
        and not results[key].replaces
        and results[key].kind != "whole"
    }
    if not owners:
        return {}
    changed: dict[Key, Result] = {}
    with StoredRows(context.draft.lake, merge_tables(None, context.plan, results)) as new:
        touched = _Search(context, new, owners, known).touched()
        for key, found in touched.items():
            entity = owners[key]
            links = tuple(one for one in entity.links if one.name in found.fields)
            narrow = replace(entity, links=links)
            written = new.keys(entity.name, entity.workspace, "id").union(
                *(new.keys(f"{entity.name}__{one.name}", entity.workspace, "source_id")
                  for one in links)
            )  # fmt: skip
            run = EntityRun(context, narrow, known(entity))
            reading = _OwnerReading(run, written, results[key])
            if reading.read(found.ids):
                changed[key] = reading.result
    return changed


class _Search:
    """Follows the references of new and changed rows to the owners that refer back to them."""

    def __init__(
        self,
        context: Context,
        new: StoredRows,
        owners: Mapping[Key, EntityPlan],
        known: Callable[[EntityPlan], Known],
    ) -> None:
        self._former = context.held
        self._new = new
        self._plan = context.plan
        self._owners = owners
        self._known = known
        self._rows: dict[tuple[str, str, datetime], set[str]] = {}

    def touched(self) -> dict[Key, Touched]:
        """Touched owners by workspace and entity type."""
        found: dict[Key, Touched] = {}
        for entity in self._plan.entities:
            for one in (*entity.scalars, *entity.links):
                for since, fields in self._fields_back(entity, one).items():
                    for id, kind in self._references(entity, one, since):
                        names = self._plan.concrete(entity.workspace, kind) if kind else fields
                        for name in fields.keys() & set(names):
                            owner = found.setdefault((entity.workspace, name), Touched())
                            owner.ids.add(id)
                            owner.fields.update(fields[name])
        return found

    def _changed(self, entity: EntityPlan, since: datetime) -> set[str]:
        """Rows that this extract wrote, and held ones that their owners may not know of yet.

        A row may have come after its owner was read: while the former extract went on, or by one
        that left the owner's entity type out.
        """
        key = (entity.workspace, entity.name, since)
        if key not in self._rows:
            rows = self._new.keys(entity.name, entity.workspace, "id")
            if has_last_modified(entity):
                rows |= self._former.changed_since(entity.name, entity.workspace, since)
            self._rows[key] = rows
        return self._rows[key]

    def _fields_back(self, entity: EntityPlan, one: Field) -> dict[datetime, dict[str, set[str]]]:
        """The link fields that may hold `entity`, by owner, of the owners a field refers to.

        In groups by the owners' cursor: changes before it were seen when they were read.
        """
        back: dict[datetime, dict[str, set[str]]] = {}
        for target in one.targets if one.is_reference else ():
            for name in self._plan.concrete(entity.workspace, target):
                owner = self._owners.get((entity.workspace, name))
                state = self._known(owner).state if owner is not None else None
                if owner is None or state is None:
                    continue
                for link in owner.links:
                    if any(
                        entity.name in self._plan.concrete(entity.workspace, kind)
                        for kind in link.targets
                    ):
                        fields = back.setdefault(state.cursor, {})
                        fields.setdefault(name, set()).add(link.name)
        return back

    def _references(
        self, entity: EntityPlan, one: Field, since: datetime
    ) -> set[tuple[str, str | None]]:
        """What the changed rows refer to now, and what they referred to before."""
        changed = self._changed(entity, since)
        if not changed:
            return set()
        table = f"{entity.name}__{one.name}" if one.multiple else entity.name
        prefix = LINK_PREFIX if one.multiple else one.name
        now = self._new.references(table, entity.workspace, prefix)
        return now | self._former.references(table, entity.workspace, prefix, changed)


class _OwnerReading:
    """Reads link sets of owners, and writes those that are not as they are held."""

    def __init__(self, run: EntityRun, written: set[str], former: Result) -> None:
        self.result = former  # with what this brought
        self._former = former
        self._run = run
        self._plan = links_only(run.entity)
        self._written = written  # ids whose sets this extract has written already
        self._read = 0
        self._changed = 0

    def read(self, ids: set[str]) -> bool:
        """Read the sets of those that are held and not yet read; whether any are."""
        run, entity = self._run, self._run.entity
        held, done = run.context.held, self._former.touched_to or 0
        left = {one for one in ids - self._written if int(one) > done}
        present = held.present(entity.name, entity.workspace, left)
        if not present:
            return False
        all_held = run.known.rows_held
        try:
            if all_held is not None and len(present) > WHOLE_SHARE * all_held:
                owners = held.numbers(entity.name, entity.workspace)
                self._read_whole(owners[owners > done])
            else:
                self._read_groups(_numbers(present))
        except BaseException:
            run.writer.discard()
            raise
        return True

    def _keep(self, sweep: LinkSweep, owners: Ids) -> None:
        """Write down what was brought up to a batch of owners."""
        self._read += len(owners)
        self._changed += sweep.changed
        note = f"touched by other rows: {self._read:,} owners, {self._changed} sets changed"
        result = self._run.added_to(self._former)
        notes = (*result.notes, note)
        self.result = replace(result, notes=notes, touched_to=int(owners[-1]))
        self._run.context.journal.append(self.result)

    def _read_whole(self, owners: Ids) -> None:
        """All owners by pages; what is written already stays."""
        kept = np.setdiff1d(owners, _numbers(self._written))
        for batch in _parts(kept, BATCH_OWNERS):
            sweep = self._sweep(batch)
            self._compare(sweep, within(batch), None)
            self._keep(sweep, batch)

    def _read_groups(self, owners: Ids) -> None:
        """Some owners by their ids, as many requests at once as the extract may have in flight."""
        run = self._run
        size = min(IDS_PER_REQUEST, run.context.options.page_size)
        at_once = size * run.context.options.concurrency
        for batch in _parts(owners, BATCH_OWNERS):
            sweep = self._sweep(batch)
            for part in _parts(batch, at_once):
                queries = [_among(group) for group in _parts(part, size)]
                asked = [run.ask(query, self._plan) for query in queries]
                for query, page in zip(queries, asked, strict=True):
                    self._compare(sweep, query, page)
            self._keep(sweep, batch)

    def _sweep(self, owners: Ids) -> LinkSweep:
        return LinkSweep(self._run.entity, self._run.context.held, owners, self._run.writer)

    def _compare(self, sweep: LinkSweep, query: Query, asked: Future[DecodedPage] | None) -> None:
        for page in self._run.pages(query, self._run.extra, plan=self._plan, asked=asked):
            sweep.compare(page)


def _numbers(ids: Collection[str]) -> Ids:
    return np.array(sorted(map(int, ids)), dtype=np.int64)


def _parts(ids: Ids, size: int) -> Iterator[Ids]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _among(ids: Ids) -> Query:
    return field_("id").in_([Id(str(one)) for one in ids.tolist()])
