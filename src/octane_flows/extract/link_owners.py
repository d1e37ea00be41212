"""Owners of changed links: rows whose link sets change because other rows refer to them.

The results of an extract come in, the results whose owners have other link sets go out;
`entity_types` calls it last. A new run, for example, is one of its test's last runs, and the test's
own `last_modified` need not rise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

import numpy as np

from octane_flows.client import Field, Query
from octane_flows.client import field as column
from octane_flows.extract.entity_result import ReadCount, Result, merge_tables
from octane_flows.extract.entity_task import Context, EntityTask, Previous, make_task
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_plan import EntityPlan, Key
from octane_flows.extract.id_queries import IDS_PER_REQUEST, id_query
from octane_flows.extract.link_sweep import BATCH_OWNERS, LinkComparison
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.row_ids import id_number
from octane_flows.lake.stored_rows import TARGET_COLUMNS, Ids, StoredRows

# Where the links of more than this share of all owners may differ, pages of all owners are read.
ALL_OWNERS_SHARE = 0.5

#: What the previous generation knows of an entity type.
PreviousOf = Callable[[EntityPlan], Previous]


@dataclass
class Owners:
    """Owners of one entity type whose link sets may differ now, and the fields that have them."""

    ids: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)


def read_links_of_owners(
    context: Context, results: Mapping[Key, Result], previous_of: PreviousOf
) -> dict[Key, Result]:
    """Read the link sets that other rows changed and write those that differ.

    Returns the results that change. Rows of a type that was read whole, and rows that were written,
    brought their link sets with them.
    """
    owner_types = {
        entity.key: entity
        for entity in context.plan.entities
        if entity.links
        and entity.key in results
        and not results[entity.key].replaces
        and results[entity.key].kind != "whole"
    }
    if not owner_types:
        return {}
    changed: dict[Key, Result] = {}
    with StoredRows(context.draft.lake, merge_tables(None, context.plan, results)) as new:
        search = _OwnerSearch(context, new, owner_types, previous_of)
        for key, owners in search.owners().items():
            entity = owner_types[key]
            links = tuple(link for link in entity.links if link.name in owners.fields)
            written = new.ever_stored_ids(entity.name, entity.workspace, "id").union(
                *(
                    new.ever_stored_ids(entity.link_table(link), entity.workspace, "source_id")
                    for link in links
                )
            )
            task = make_task(context, replace(entity, links=links), previous_of(entity))
            with task.writer(results[key]) as writer:
                reading = _OwnerReading(task, writer, written, results[key])
                if reading.read(owners.ids):
                    changed[key] = reading.result
    return changed


#: By cursor and entity type: the names of link fields.
FieldsBack: TypeAlias = dict[datetime, dict[str, set[str]]]


class _OwnerSearch:
    """Follows the references of new and changed rows to the owners that refer back to them."""

    def __init__(
        self,
        context: Context,
        new: StoredRows,
        owner_types: Mapping[Key, EntityPlan],
        previous_of: PreviousOf,
    ) -> None:
        self._stored = context.stored
        self._new = new
        self._plan = context.plan
        self._owner_types = owner_types
        self._previous_of = previous_of
        self._changed: dict[tuple[str, str, datetime], set[str]] = {}
        self._back: dict[tuple[Key, tuple[str, ...]], FieldsBack] = {}

    def owners(self) -> dict[Key, Owners]:
        """The owners by workspace and entity type."""
        owners: dict[Key, Owners] = {}
        for entity in self._plan.entities:
            for reference in (*entity.scalars, *entity.links):
                for since, fields in self._fields_back(entity, reference).items():
                    for id, kind in self._references(entity, reference, since):
                        names = self._plan.concrete(entity.workspace, kind) if kind else fields
                        for name in fields.keys() & set(names):
                            entry = owners.setdefault((entity.workspace, name), Owners())
                            entry.ids.add(id)
                            entry.fields.update(fields[name])
        return owners

    def _changed_rows(self, entity: EntityPlan, since: datetime) -> set[str]:
        """Rows that this extract wrote, and stored rows that are newer than their owner's reading.

        A row may have come after its owner was read: while the previous extract went on, or by an
        extract that left the owner's entity type out.
        """
        key = (*entity.key, since)
        if key not in self._changed:
            rows = self._new.ever_stored_ids(entity.name, entity.workspace, "id")
            if entity.has_last_modified:
                rows |= self._stored.changed_since(entity.name, entity.workspace, since)
            self._changed[key] = rows
        return self._changed[key]

    def _fields_back(self, entity: EntityPlan, reference: Field) -> FieldsBack:
        """The link fields that may refer back to `entity`; many references have the same targets.

        In groups by the cursor of these types: changes before it were seen when they were read.
        """
        targets = tuple(reference.targets) if reference.is_reference else ()
        key = (entity.key, targets)
        if key not in self._back:
            self._back[key] = self._find_fields_back(entity, targets)
        return self._back[key]

    def _find_fields_back(self, entity: EntityPlan, targets: Sequence[str]) -> FieldsBack:
        back: FieldsBack = {}
        for target in targets:
            for name in self._plan.concrete(entity.workspace, target):
                owner_type = self._owner_types.get((entity.workspace, name))
                state = self._previous_of(owner_type).state if owner_type is not None else None
                if owner_type is None or state is None:
                    continue
                for link in owner_type.links:
                    if any(
                        entity.name in self._plan.concrete(entity.workspace, kind)
                        for kind in link.targets
                    ):
                        fields = back.setdefault(state.cursor, {})
                        fields.setdefault(name, set()).add(link.name)
        return back

    def _references(
        self, entity: EntityPlan, reference: Field, since: datetime
    ) -> set[tuple[str, str | None]]:
        """What the changed rows refer to now, and what they referred to before."""
        changed = self._changed_rows(entity, since)
        if not changed:
            return set()
        table = entity.link_table(reference) if reference.multiple else entity.name
        columns = (
            TARGET_COLUMNS
            if reference.multiple
            else self._plan.tables[entity.name].names_of(reference)
        )
        now = self._new.references(table, entity.workspace, columns)
        return now | self._stored.references(table, entity.workspace, columns, changed)


class _OwnerReading:
    """Reads link sets of owners and writes those that differ from the stored ones.

    `written` are ids whose sets this extract has written already, `previous` is the result before;
    `result` has what this reading brought, too.
    """

    def __init__(
        self, task: EntityTask, writer: EntityWriter, written: set[str], previous: Result
    ) -> None:
        self.result = previous
        self._previous = previous
        self._task = task
        self._writer = writer
        self._pages = task.pages(links_only=True)
        self._written = written
        self._owners = 0
        self._changed = 0
        self._cost = ReadCount()

    def read(self, ids: set[str]) -> bool:
        """Read the sets of those ids that are stored and not yet read; whether there are any."""
        context, entity = self._task.context, self._task.entity
        read_to = self._previous.owners_read_to or 0
        numbers = {id: id_number(id) for id in ids - self._written}
        left = {id for id, number in numbers.items() if number is not None and number > read_to}
        present = context.stored.live_ids_among(entity.name, entity.workspace, left)
        if not present:
            return False
        rows_stored = self._task.previous.rows_stored
        if rows_stored is not None and len(present) > ALL_OWNERS_SHARE * rows_stored:
            owners = context.stored.live_numeric_ids(entity.name, entity.workspace)
            self._read_all(owners[owners > read_to])
        else:
            self._read_some(_numbers(present))
        return True

    def _read_all(self, owners: Ids) -> None:
        """All owners by pages, except those that are written already."""
        for batch in _batches(np.setdiff1d(owners, _numbers(self._written)), BATCH_OWNERS):
            comparison = LinkComparison(self._task, self._writer, batch)
            query = column("id").between(int(batch[0]), int(batch[-1]))
            self._compare(comparison, query, None)
            self._keep(comparison, batch)

    def _read_some(self, owners: Ids) -> None:
        """Some owners by their ids, as many requests at once as the extract may have in flight."""
        options = self._task.context.options
        size = min(IDS_PER_REQUEST, options.page_size)
        for batch in _batches(owners, BATCH_OWNERS):
            comparison = LinkComparison(self._task, self._writer, batch)
            for part in _batches(batch, size * options.concurrency):
                queries = [id_query(map(str, group.tolist())) for group in _batches(part, size)]
                requests = [self._pages.request(query) for query in queries]
                for query, first_page in zip(queries, requests, strict=True):
                    self._compare(comparison, query, first_page)
            self._keep(comparison, batch)

    def _compare(
        self,
        comparison: LinkComparison,
        query: Query,
        first_page: Future[DecodedPage | None] | None,
    ) -> None:
        count = ReadCount()
        for page in self._pages.read(query, count, first_page=first_page):
            comparison.compare(page)
        self._cost = self._cost.followed_by(count)

    def _keep(self, comparison: LinkComparison, owners: Ids) -> None:
        """Add what was read up to a batch of owners to the journal."""
        self._owners += len(owners)
        self._changed += comparison.changed
        note = f"changed by other rows: {self._owners:,} owners read, {self._changed} sets changed"
        writer = self._writer
        result = self._previous.with_files(
            writer.close(), rows=writer.rows, links=writer.links, cost=self._cost
        )
        notes = (*result.notes, note)
        rejected = writer.rejected
        rejected.require_few(result.counts.rows_held or 0)
        self.result = replace(
            result,
            notes=notes,
            owners_read_to=int(owners[-1]),
            state=replace(result.state, rejected=rejected.values()),
            taken=rejected.taken(),
        )
        self._task.context.journal.append(self.result)


def _numbers(ids: Collection[str]) -> Ids:
    return np.array(sorted(map(int, ids)), dtype=np.int64)


def _batches(ids: Ids, size: int) -> Iterator[Ids]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
