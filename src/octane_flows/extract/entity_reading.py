"""One entity type of one workspace: read what is new, write what changed, say what is known now.

A context, a plan, the former read state and the part that a stopped extract left in, a `Result`
out; `every_type` makes one for each entity type and `upkeep` adds census and link sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

import pyarrow.compute as pc

from octane_flows.client import Query
from octane_flows.errors import ExtractError, RequestError
from octane_flows.extract.cursor import (
    BESIDE,
    WHOLE_COMPARED,
    Kind,
    Reading,
    choose_reading,
    new_field_query,
    next_intervals,
    next_mode,
    readings_beside,
)
from octane_flows.extract.entity_task import Context, Known
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_journal import Counts, Part, Result, Swept
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.page_reader import ReadCount, Reader, read_pages
from octane_flows.extract.page_to_arrow import DecodedPage, decode_page
from octane_flows.extract.parts import Parts
from octane_flows.extract.recent import Recent
from octane_flows.extract.row_to_arrow import Stamp, link_table, short_lists
from octane_flows.lake import Interval, ReadState
from octane_flows.lake.manifest import SchemaChangeKind

LIST_TYPE = "list_node"
LIST_ROOT = "list_root_id"  # null for the root of a list itself


class EntityRun:
    """The reading of one entity type; `finish` gives its result."""

    def __init__(
        self, context: Context, entity: EntityPlan, known: Known, part: Part | None = None
    ) -> None:
        self.context = context
        self.entity = entity
        self.known = known
        self.workspace = context.workspaces[entity.workspace]
        options, self.as_of = context.options, context.as_of
        query = new_field_query(known.new_fields)
        again = known.again or (bool(known.new_fields) and query is None)
        self.reading: Reading = choose_reading(
            entity, known.state, options, context.cursor, again=again
        )
        beside, self.slices = readings_beside(
            self.reading, known.state, options, None if again else query
        )
        self.parts = Parts(entity, (self.reading, *beside), part)
        former = self.parts.former
        if former is not None:  # what a stopped reading brought is as old as its beginning
            self.as_of = min(context.as_of, former.as_of)
        self.cursor = self.as_of - options.settle
        self.stamp = Stamp(entity.workspace, context.draft.generation, context.as_of)
        self.writer = EntityWriter(
            context.draft, entity, context.plan.tables, self.stamp, context.held
        )
        since = self.cursor - options.overlap
        self.recent = Recent(entity, self.writer, since, options.page_size)
        self.recent.last_id = known.state.last_id if known.state is not None else None
        self.count = ReadCount()
        self.extra = ReadCount()  # of readings beside the main one
        self.notes: list[str] = []
        self.roots: list[str] = []  # ids of list roots
        if former is not None:
            self._take_over(former)

    def _take_over(self, part: Part) -> None:
        self.writer.take_over(part.files, full=self.reading.kind == "full")
        self.writer.new_rows = part.new_rows
        self.recent.digests.update(part.recent)
        self.recent.last_id = part.last_id
        self.count, self.extra = part.count, part.extra
        self.notes += part.notes
        self.roots += part.roots

    def first_page(self) -> Future[DecodedPage] | None:
        """Ask for the first page now, where the whole answer is likely to be on it."""
        first = self.parts.first()
        if first is None or first.kind == "full":
            return None
        return self.ask(first.query, self.entity)

    def ask(self, query: Query | None, plan: EntityPlan) -> Future[DecodedPage]:
        """Ask for the first page of the rows that match, with what `plan` asks for."""
        page_size = self.context.options.page_size
        reader = Reader(self.workspace, plan, self._decoder(plan), page_size, query)
        return self.context.pool.submit(reader.page, None)

    def read(self, asked: Future[DecodedPage] | None) -> None:
        """Read and write everything that is new."""
        for reading in self.parts.left():
            count = self.extra if reading.kind in BESIDE else self.count
            try:
                for page in self.pages(reading.query, count, asked=asked):
                    self._write(page, reading.kind)
                    last_id = self.parts.ends_with(page)
                    if last_id is not None:
                        self.context.journal.append(self._part(last_id))
            except RequestError as error:
                if reading.kind != "new fields":
                    raise
                raise ExtractError(
                    f"Workspace {self.entity.workspace}: {self.entity.name} has new fields "
                    f"({self._new_fields}) and the server cannot select the rows with a value "
                    f"({error}). Read them with: octane-flows extract --full {self.entity.name}"
                ) from error
            if reading.kind == "new fields":
                self.notes.append(
                    f"new fields {self._new_fields}: {self.parts.rows} rows read again"
                )
            asked = None
        self.recent.close()

    @property
    def _new_fields(self) -> str:
        return ", ".join(one.name for one in self.known.new_fields)

    def _write(self, page: DecodedPage, kind: Kind) -> None:
        """Write what is new on a page, and note what the next refresh must know of it."""
        if kind == "full":
            self.writer.write_all(page)
            self.recent.add_full(page)
        elif kind in BESIDE:
            self.writer.write_changed(page, {})
        else:
            known = self.known.state.recent if self.known.state is not None else {}
            self.recent.add(page, self.writer.write_changed(page, known), kind)
            table = page.tables[self.entity.name]
            if self.entity.name == LIST_TYPE and LIST_ROOT in table.column_names:
                self.roots.extend(table.filter(pc.is_null(table[LIST_ROOT]))["id"].to_pylist())

    def keep(self, swept: Swept) -> None:
        """Write down how far the sweep came after all readings."""
        self.context.journal.append(self._part(self.recent.last_id or 0, swept))

    def _part(self, last_id: int, swept: Swept | None = None) -> Part:
        """All that is read so far, its files closed; what follows goes into new ones."""
        return Part(
            workspace=self.entity.workspace,
            entity=self.entity.name,
            fields=self.entity.fingerprint,
            as_of=self.as_of,
            asked=self.parts.asked,
            up_to=last_id,
            rows=self.parts.rows,
            count=self.count,
            extra=self.extra,
            new_rows=self.writer.new_rows,
            files=self.writer.close(),
            recent=self.recent.so_far(),
            last_id=self.recent.last_id,
            roots=tuple(self.roots),
            notes=tuple(self.notes),
            swept=swept,
        )

    def read_more(self, query: Query) -> int:
        """Read and write all rows that match, unless this extract wrote them; gives their count."""
        before = self.extra.rows
        for page in self.pages(query, self.extra):
            self.writer.write_changed(page, {})
        return self.extra.rows - before

    def pages(
        self,
        query: Query | None,
        count: ReadCount,
        *,
        plan: EntityPlan | None = None,
        asked: Future[DecodedPage] | None = None,
    ) -> Iterator[DecodedPage]:
        """Decoded pages with whole link lists; `plan` narrows what is asked for."""
        entity = plan or self.entity
        decode = self.decode if plan is None else self._decoder(entity)
        one, before = ReadCount(), count.rows
        for page in read_pages(
            self.workspace,
            entity,
            self.context.pool,
            decode=decode,
            page_size=self.context.options.page_size,
            windows_in_flight=self.context.options.threads,
            count=one,
            query=query,
            asked=asked,
        ):
            count.add(page)
            yield self._complete_lists(page)
        count.total_count = before + one.total_count
        count.first_count = None if one.first_count is None else before + one.first_count

    @property
    def decode(self) -> Callable[..., DecodedPage]:
        """The decoder of whole rows."""
        return self._decoder(self.entity)

    def _decoder(self, entity: EntityPlan) -> Callable[..., DecodedPage]:
        return lambda page: decode_page(page, entity, self.context.plan.tables, self.stamp)

    def _complete_lists(self, page: DecodedPage) -> DecodedPage:
        """Ask again, one entity at a time, where a nested list came shorter than it says."""
        entity = self.entity
        for id, field in page.short_lists:
            row = self.workspace.entity(entity.collection, id, fields=[field.name])
            if any(one is field for _, one in short_lists(entity, [row])):
                raise ExtractError(
                    f"Workspace {entity.workspace}: {entity.name} {id} lists fewer "
                    f"{field.name} than it counts, twice. Nothing was published; run it again."
                )
            name = f"{entity.name}__{field.name}"
            links = link_table(entity, self.context.plan.tables[name], field, [row], self.stamp)
            page = page.with_links(name, id, links)
        return page

    @property
    def named_ids(self) -> bool:
        """Whether ids are names, which have no order to page by."""
        if self.reading.kind == "full":
            return bool(self.writer.names)
        return self.known.state is not None and self.known.state.mode == "whole"

    def finish(
        self,
        *,
        rows_held: int | None,
        server_counts: tuple[int, int] | None,
        change: Callable[[ReadState], ReadState],
        lists: Sequence[tuple[str, SchemaChangeKind]] = (),
    ) -> Result:
        """Close the files; `change` puts what upkeep learned into the new state."""
        former = self.known.state
        replaces = self.reading.kind == "full"
        mode = next_mode(self.entity, named_ids=self.named_ids)
        recent = self.recent.digests
        if mode == "whole" and len(recent) > WHOLE_COMPARED:
            recent = {}
        base = former if former is not None else ReadState(mode, self.cursor)
        state = replace(
            base,
            mode=mode,
            cursor=self.cursor,
            intervals=self._intervals(former),
            last_id=self.recent.last_id,
            recent=recent,
        )
        counts = Counts(
            total_count=self.count.total_count,
            rows_read=self.count.rows,
            pages=self.count.pages + self.extra.pages,
            bytes_received=self.count.bytes_received + self.extra.bytes_received,
            rows_written=self.writer.rows,
            links_written=self.writer.links,
            rows_held=rows_held,
            server_count_start=server_counts[0] if server_counts else None,
            server_count_end=server_counts[1] if server_counts else None,
        )
        return Result(
            workspace=self.entity.workspace,
            entity=self.entity.name,
            kind=self.reading.kind,
            state=change(state),
            counts=counts,
            files=self.writer.close(),
            replaces=replaces,
            notes=(*self._resumed(), *self.notes),
            lists=tuple(lists),
            fields=self.entity.fingerprint,
        )

    def added_to(self, result: Result) -> Result:
        """The result of the entity type, with what this reading wrote besides."""
        files = {name: list(entries) for name, entries in result.files.items()}
        for name, entries in self.writer.close().items():
            files.setdefault(name, []).extend(entries)
        counts = result.counts
        counts = replace(
            counts,
            pages=counts.pages + self.extra.pages,
            bytes_received=counts.bytes_received + self.extra.bytes_received,
            rows_written=counts.rows_written + self.writer.rows,
            links_written=counts.links_written + self.writer.links,
        )
        return replace(result, counts=counts, files=files)

    def _resumed(self) -> list[str]:
        part = self.parts.former
        if part is None:
            return []
        rows = part.count.rows + part.extra.rows
        return [f"{rows:,} rows were read before the extract was stopped"]

    def _intervals(self, former: ReadState | None) -> tuple[Interval, ...]:
        options = self.context.options
        return next_intervals(former, options, self.cursor, self.slices)
