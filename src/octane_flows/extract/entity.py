"""One entity type of one workspace: read what is new, write what changed, say what is known now.

A context, a plan and the former read state in, a `Result` out; `run` calls it for each entity type
and `upkeep` adds census and link sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow.compute as pc

from octane_flows.errors import ExtractError, RequestError
from octane_flows.extract.decode import DecodedPage, decode_page
from octane_flows.extract.full import read_full
from octane_flows.extract.journal import Counts, Journal, Part, Result
from octane_flows.extract.options import Options
from octane_flows.extract.plan import EntityPlan, Plan
from octane_flows.extract.read import ReadCount, Reader, read_pages
from octane_flows.extract.rows import Stamp, link_table, short_lists
from octane_flows.extract.slices import (
    CHANGED,
    ID_OVERLAP,
    WHOLE_COMPARED,
    Reading,
    backfill,
    choose_reading,
    held_query,
    new_field_query,
    next_intervals,
    next_mode,
    slice_query,
)
from octane_flows.extract.write import EntityWriter
from octane_flows.lake import Draft, Interval, ReadState
from octane_flows.lake.held import Held
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.octane import Field, Query, Workspace

Key = tuple[str, str]  # workspace, entity type
LIST_TYPE = "list_node"
LIST_ROOT = "list_root_id"  # null for the root of a list itself


@dataclass(frozen=True)
class Context:
    """What all entity types of one extract share; `as_of` is the server's time at its start."""

    draft: Draft
    plan: Plan
    workspaces: Mapping[str, Workspace]
    as_of: datetime
    options: Options
    pool: ThreadPoolExecutor
    held: Held
    journal: Journal
    moved: dict[Key, set[int]]  # ids that the census of another type found to be of this one

    @property
    def cursor(self) -> datetime:
        """Where the next cursor stands."""
        return self.as_of - self.options.settle


@dataclass(frozen=True)
class Known:
    """What the former generation knows of an entity type, and what drift asks for.

    `again`: everything must be read anew; `new_fields` are not in the rows held.
    """

    state: ReadState | None
    rows_held: int | None = None
    new_fields: tuple[Field, ...] = ()
    again: bool = False


class EntityRun:
    """The reading of one entity type; `finish` gives its result."""

    def __init__(
        self, context: Context, entity: EntityPlan, known: Known, part: Part | None = None
    ) -> None:
        self.context = context
        self.entity = entity
        self.known = known
        self.workspace = context.workspaces[entity.workspace]
        query = new_field_query(known.new_fields)
        again = known.again or (bool(known.new_fields) and query is None)
        self.new_fields_query = None if again else query
        self.reading: Reading = choose_reading(
            entity, known.state, context.options, context.cursor, again=again
        )
        fits = (
            part is not None and self.reading.kind == "full" and part.fields == entity.fingerprint
        )
        self._part = part if fits else None
        # what a stopped reading brought is as old as its beginning
        self.as_of = min(context.as_of, part.as_of) if fits and part else context.as_of
        self.cursor = self.as_of - context.options.settle
        self.stamp = Stamp(entity.workspace, context.draft.generation, context.as_of)
        self.writer = EntityWriter(
            context.draft, entity, context.plan.tables, self.stamp, context.held
        )
        self.count = ReadCount()
        self.extra = ReadCount()  # of slices beside the main reading
        self.recent: dict[str, str] = {}
        self.last_id = known.state.last_id if known.state is not None else None
        self.slices: tuple[Interval, ...] = ()
        self.notes: list[str] = []
        self.roots: list[str] = []  # ids of list roots

    def first_page(self) -> Future[DecodedPage] | None:
        """Ask for the first page now, where the whole answer is likely to be on it."""
        if self.reading.kind == "full":
            return None
        return self.ask(self.reading.query, self.entity)

    def ask(self, query: Query | None, plan: EntityPlan) -> Future[DecodedPage]:
        """Ask for the first page of the rows that match, with what `plan` asks for."""
        page_size = self.context.options.page_size
        reader = Reader(self.workspace, plan, self._decoder(plan), page_size, query)
        return self.context.pool.submit(reader.page, None)

    def read(self, asked: Future[DecodedPage] | None) -> None:
        """Read and write everything that is new."""
        if self.reading.kind == "full":
            read_full(self, self._part)
            self.trim()
            return
        known = self.known.state
        recent = known.recent if known is not None else {}
        for page in self.pages(self.reading.query, self.count, asked=asked):
            digests = self.writer.write_changed(page, recent)
            self._remember(page, digests)
        self.trim()
        if self.reading.kind != "whole":
            self._read_beside()

    def _read_beside(self) -> None:
        """Rows that the newest slice does not bring: a backfilled slice, values of new fields."""
        slice_ = backfill(self.known.state, self.context.options)
        if slice_ is not None:
            self.read_more(slice_query(slice_))
            self.slices = (slice_,)
        if self.new_fields_query is not None:
            query = self.new_fields_query
            part = held_query(self.known.state) if self.known.state is not None else None
            names = ", ".join(one.name for one in self.known.new_fields)
            try:
                rows = self.read_more(query if part is None else part & query)
            except RequestError as error:
                raise ExtractError(
                    f"Workspace {self.entity.workspace}: {self.entity.name} has new fields "
                    f"({names}) and the server cannot select the rows with a value ({error}). "
                    f"Read them with: octane-flows extract --full {self.entity.name}"
                ) from error
            self.notes.append(f"new fields {names}: {rows} rows read again")

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
        one = ReadCount()
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
            yield self._complete_lists(page)
        count.total_count += one.total_count
        count.first_count = one.first_count
        count.rows += one.rows
        count.pages += one.pages
        count.bytes_received += one.bytes_received

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

    def _remember(self, page: DecodedPage, digests: Mapping[str, str]) -> None:
        """Keep the digests that the next overlap needs."""
        numbers = page.numbers
        if numbers is not None and page.rows:
            self.last_id = max(self.last_id or 0, pc.max(numbers).as_py())
        table = page.tables[self.entity.name]
        if self.entity.name == LIST_TYPE and LIST_ROOT in table.column_names:
            self.roots.extend(table.filter(pc.is_null(table[LIST_ROOT]))["id"].to_pylist())
        if self.reading.kind == "newest":
            since = self.cursor - self.context.options.overlap
            changed = table[CHANGED].to_pylist()
            ids = page.ids.to_pylist()
            moment = since.replace(tzinfo=None)
            digests = {
                id: digests[id]
                for id, at in zip(ids, changed, strict=True)
                if at is None or at >= moment
            }
        self.recent.update(digests)

    def trim(self) -> None:
        """Let go of digests that the next overlap will not ask for."""
        if next_mode(self.entity, named_ids=False) == "ids":
            edge = (self.last_id or 0) - ID_OVERLAP
            self.recent = {id: one for id, one in self.recent.items() if int(id) > edge}

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
        recent = self.recent
        if mode == "whole" and len(recent) > WHOLE_COMPARED:
            recent = {}
        base = former if former is not None else ReadState(mode, self.cursor)
        state = replace(
            base,
            mode=mode,
            cursor=self.cursor,
            intervals=self._intervals(former),
            last_id=self.last_id,
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
            notes=tuple(self.notes),
            lists=tuple(lists),
            fields=self.entity.fingerprint,
        )

    def _intervals(self, former: ReadState | None) -> tuple[Interval, ...]:
        options = self.context.options
        return next_intervals(former, options, self.cursor, self.slices)
