"""What is to be read of one entity type of one workspace: decided once, before it is read.

The context of the extract, an entity plan, its previous state and the part that a stopped extract
left come in; an `EntityTask` goes out, which nothing changes later. `entity_types` makes one for
each entity type; reading, deletions and links take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from octane_flows.client import Field, Query, Workspace
from octane_flows.extract.cursor import (
    Reading,
    additional_readings,
    choose_reading,
    new_field_query,
    stored_query,
)
from octane_flows.extract.entity_pages import EntityPages
from octane_flows.extract.entity_result import Result
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_journal import Journal, Part, fitting_part
from octane_flows.extract.extract_plan import EntityPlan, Plan
from octane_flows.extract.options import Options
from octane_flows.extract.page_size import PageSize
from octane_flows.extract.rejected_values import RejectedValues
from octane_flows.extract.row_to_arrow import Stamp
from octane_flows.extract.server_times import Moments
from octane_flows.lake import Draft, Interval, ReadState
from octane_flows.lake.stored_rows import StoredRows


@dataclass(frozen=True)
class Context:
    """What all entity types of one extract share; `stored` are the parent generation's rows."""

    draft: Draft
    plan: Plan
    workspaces: Mapping[str, Workspace]
    moments: Moments
    options: Options
    pool: ThreadPoolExecutor
    stored: StoredRows
    journal: Journal


@dataclass(frozen=True)
class Previous:
    """What the previous generation knows of an entity type, and what changed fields require.

    `must_read_all`: all stored rows must be read again; they lack the values of `new_fields`.
    """

    state: ReadState | None
    rows_stored: int | None = None
    new_fields: tuple[Field, ...] = ()
    must_read_all: bool = False


@dataclass(frozen=True)
class EntityTask:
    """The readings of one entity type in their order, and the moments that its rows have.

    `part` is what a stopped extract has read of them, and `slices` are the older slices that the
    additional readings fill. `page_size` learns from each reading for those that follow.
    """

    context: Context
    entity: EntityPlan
    previous: Previous
    readings: tuple[Reading, ...]
    slices: tuple[Interval, ...]
    moments: Moments
    part: Part | None
    page_size: PageSize

    @property
    def main(self) -> Reading:
        """The main reading."""
        return self.readings[0]

    @property
    def state(self) -> ReadState | None:
        """The read state of the previous generation."""
        return self.previous.state

    @property
    def workspace(self) -> Workspace:
        """The client's workspace."""
        return self.context.workspaces[self.entity.workspace]

    @property
    def stored_query(self) -> Query | None:
        """The rows that should be stored, None for all."""
        return stored_query(self.state) if self.state is not None else None

    @property
    def stamp(self) -> Stamp:
        """What every row of the entity type carries."""
        draft, moments = self.context.draft, self.context.moments
        return Stamp(self.entity.workspace, draft.generation, moments.as_of)

    def pages(self, *, links_only: bool = False) -> EntityPages:
        """Its pages, with all fields or with the multi-reference fields alone."""
        context = self.context
        return EntityPages(
            self.workspace,
            replace(self.entity, scalars=()) if links_only else self.entity,
            context.plan.tables,
            self.stamp,
            context.pool,
            size=self.page_size,
            windows_in_flight=context.options.threads,
            of_numbers=self.state is not None and self.state.mode != "whole",
        )

    def writer(self, result: Result | None = None) -> EntityWriter:
        """A writer of its files; `result` is what this extract has read of the entity type."""
        context, state, part = self.context, self.state, self.part
        rejected = RejectedValues(
            self.entity,
            part.rejected if part is not None else state.rejected if state is not None else (),
            self.moments.as_of,
            max_share=context.options.max_rejected_share,
            is_full=part is None and self.main.kind in ("full", "whole"),
            taken=part.taken if part is not None else (),
        )
        if result is not None:
            rejected = RejectedValues(
                self.entity,
                result.state.rejected,
                self.moments.as_of,
                max_share=context.options.max_rejected_share,
                taken=result.taken,
            )
        return EntityWriter(
            context.draft, self.entity, context.plan.tables, self.stamp, context.stored, rejected
        )


def make_task(
    context: Context, entity: EntityPlan, previous: Previous, part: Part | None = None
) -> EntityTask:
    """Decide what to read; `part` counts only if it was made by the same readings."""
    state, options = previous.state, context.options
    query = new_field_query(previous.new_fields)
    must_read_all = previous.must_read_all or (bool(previous.new_fields) and query is None)
    main = choose_reading(entity, state, options, context.moments, must_read_all=must_read_all)
    additional, slices = additional_readings(main, state, options, None if must_read_all else query)
    readings = (main, *additional)
    part = fitting_part(part, entity, readings)
    if part is not None and context.moments.was_ahead(part.clock_ahead, part.as_of):
        part = None
    moments = context.moments if part is None else context.moments.not_after(part.as_of)
    size = PageSize(options.page_size)
    return EntityTask(context, entity, previous, readings, slices, moments, part, size)
