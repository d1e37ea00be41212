"""Every entity type of a plan is read, checked for deletions, and its links compared.

A context comes in, results and refusals go out; `run_extract` calls it once. What a stopped extract
did is taken over. The first pages of all types are requested at once, so that a refresh without
changes waits for one answer and not for one per type.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace

from octane_flows.errors import AccessError
from octane_flows.extract.deletions import (
    RowCheck,
    check_after_sweep,
    check_by_census,
    check_full_reading,
    check_whole_reading,
    counts_differ,
    read_moved_rows,
    stored_ids,
)
from octane_flows.extract.entity_reading import (
    EntityRead,
    EntityReading,
    read_state,
    request_first_page,
)
from octane_flows.extract.entity_result import Counts, ReadCount, Result
from octane_flows.extract.entity_task import Context, EntityTask, Previous, make_task
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_plan import EntityPlan, Key
from octane_flows.extract.field_changes import FieldChanges
from octane_flows.extract.link_owners import PreviousOf, read_links_of_owners
from octane_flows.extract.link_sweep import Sweep, sweep_links
from octane_flows.extract.missing_data import unreadable_workspaces
from octane_flows.extract.options import Options, Progress
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.extract.server_times import Moments
from octane_flows.lake import Interval, Manifest


@dataclass(frozen=True)
class ReadTypes:
    """What reading all types brought; `resumed` counts those that a stopped extract had read.

    `left_out` are workspaces with a type that was never readable, and the reasons: nothing of them
    is published.
    """

    results: Mapping[Key, Result]
    refused: Mapping[Key, str]
    left_out: Mapping[str, str]
    resumed: int


def read_entity_types(
    context: Context, changes: FieldChanges, progress: Progress | None
) -> ReadTypes:
    """Read, check and write all types. Raises ExtractError where no workspace can be read."""
    parent, entities, options = context.draft.parent, context.plan.entities, context.options
    stamps = {id: parent.stamp(id) if parent else 0 for id in context.workspaces}
    journal = context.journal.resume(stamps, options.fingerprint())
    done = {
        entity.key: journal[entity.key]
        for entity in entities
        if _is_done(entity, journal, context.moments)
    }

    certificate = parent.certificate if parent is not None else ()
    rows_held = {(row.workspace, row.entity): row.rows_held for row in certificate}
    previous: dict[Key, Previous] = {}

    def previous_of(entity: EntityPlan) -> Previous:
        key = entity.key
        if key not in previous:
            previous[key] = _previous(parent, entity, rows_held.get(key), changes)
        return previous[key]

    results, refused = _read_each(context, done, previous_of, progress)
    moved: dict[Key, Result] = {}
    if options.census or options.sweep:
        moved = read_moved_rows(context, results)
        results |= moved
    if moved or len(done) < len(results):  # rows that came now may change links once more
        results = {key: replace(result, owners_read_to=None) for key, result in results.items()}
    results |= read_links_of_owners(context, results, previous_of)
    left_out = unreadable_workspaces(parent, refused, {entity.workspace for entity in entities})
    return ReadTypes(
        {key: result for key, result in results.items() if key[0] not in left_out},
        {key: reason for key, reason in refused.items() if key[0] not in left_out},
        left_out,
        resumed=len(done),
    )


def _read_each(
    context: Context,
    done: Mapping[Key, Result],
    previous_of: PreviousOf,
    progress: Progress | None,
) -> tuple[dict[Key, Result], dict[Key, str]]:
    """The results of all types in the order of the plan, and the reasons of refused ones."""
    entities, parts = context.plan.entities, context.journal.parts
    tasks = {
        entity.key: make_task(context, entity, previous_of(entity), parts.get(entity.key))
        for entity in entities
        if entity.key not in done
    }
    first_pages = {key: request_first_page(task) for key, task in tasks.items()}
    results: dict[Key, Result] = {}
    refused: dict[Key, str] = {}
    for place, entity in enumerate(entities):
        if progress is not None:
            progress(entity.name, place, len(entities))
        key = entity.key
        if key in done:
            results[key] = done[key]
            continue
        try:
            results[key] = _read_entity_type(tasks.pop(key), first_pages.pop(key))
        except AccessError as error:
            refused[key] = str(error)
            continue
        if _is_worth_keeping(results[key], context.options):
            context.journal.append(results[key])
    return results, refused


def _is_worth_keeping(result: Result, options: Options) -> bool:
    """Whether an extract after a kill would lose more than one request without the result."""
    return (
        result.kind != "newest"
        or result.counts.rows_read > 0
        or bool(result.files)
        or options.census
        or options.sweep
    )


def _is_done(entity: EntityPlan, journal: Mapping[Key, Result], moments: Moments) -> bool:
    """Whether a stopped extract read the entity type with these fields, by a clock not ahead."""
    result = journal.get(entity.key)
    if result is None or result.fields != entity.fingerprint:
        return False
    return moments.good_cursor(replace(result.state, past_cursors=())) is not None


def _previous(
    parent: Manifest | None, entity: EntityPlan, rows_held: int | None, changes: FieldChanges
) -> Previous:
    state = parent.states.get(entity.workspace, {}).get(entity.name) if parent else None
    if parent is None or state is None:
        return Previous(None)
    if state.mode == "changes" and not entity.has_last_modified:
        # the type lost the field that selects its changes, so that all is read from now on
        state = replace(state, mode="whole", intervals=(Interval(None, state.cursor),), recent={})
    return Previous(
        state,
        rows_stored=rows_held,
        new_fields=changes.new_fields.get(entity.key, ()),
        must_read_all=entity.key in changes.retyped,
    )


def _read_entity_type(task: EntityTask, first_page: Future[DecodedPage | None] | None) -> Result:
    """Read, check and write one entity type; on any failure its open files are deleted."""
    with task.writer() as writer:
        reading = EntityReading(task, writer)
        read = reading.read(first_page)
        sweep: Sweep | None = None
        if task.main.kind == "full":
            check = check_full_reading(task, writer, read.main)
        elif task.main.kind == "whole":
            check = check_whole_reading(task, writer, read)
        else:
            check, sweep = _check_changes(task, writer, reading, read)
        return _result(task, writer, read, check, sweep)


def _check_changes(
    task: EntityTask, writer: EntityWriter, reading: EntityReading, read: EntityRead
) -> tuple[RowCheck, Sweep | None]:
    """Sweep and census after a reading of changes, where the options ask for them."""
    options = task.context.options
    sweeps = options.sweep and bool(task.entity.links)
    rows_stored = task.previous.rows_stored
    check = RowCheck(None if rows_stored is None else rows_stored + writer.new_rows)
    census = options.census or (options.counts and counts_differ(task, writer, check.rows_stored))
    if not census and not sweeps:
        return check, None
    stored = stored_ids(task, writer)
    sweep = None
    if sweeps and len(stored):
        sweep = sweep_links(
            task,
            writer,
            stored,
            lambda owners, progress, cost: reading.keep_sweep(read, owners, progress, cost),
        )
    if census:
        check = check_by_census(task, writer, stored)
    if sweep is not None:
        check = check_after_sweep(task, writer, check, sweep.progress)
    return check, sweep


def _result(
    task: EntityTask,
    writer: EntityWriter,
    read: EntityRead,
    check: RowCheck,
    sweep: Sweep | None,
) -> Result:
    """What was done with the entity type, its files closed."""
    moments, census = task.moments, check.census
    rejected = writer.rejected
    rejected.require_few(check.rows_stored or 0)
    state = read_state(task, writer, replace(read, recent=check.recent(read.recent)))
    state = replace(
        state,
        census=census if census is not None else state.census,
        deleted=check.tombstones(state.deleted),
        rejected=rejected.values(),
    )
    if task.main.kind in ("full", "whole"):
        state = replace(state, swept_at=moments.as_of)
    elif sweep is not None:
        state = replace(state, swept_at=moments.as_of, sweep_from=sweep.next_from)
    swept = sweep.cost if sweep is not None else ReadCount()
    costs = (read.main, read.additional, check.cost, swept)
    counts = Counts(
        total_count=read.main.total_count,
        rows_read=read.main.rows,
        pages=sum(count.pages for count in costs),
        bytes_received=sum(count.bytes_received for count in costs),
        rows_written=writer.rows,
        links_written=writer.links,
        rows_held=check.rows_stored,
        server_count_start=census.server_count_start if census is not None else None,
        server_count_end=census.server_count_end if census is not None else None,
    )
    resumed = []
    if task.part is not None:
        rows = task.part.main.rows + task.part.additional.rows
        resumed.append(f"{rows:,} rows were read before the extract was stopped")
    return Result(
        workspace=task.entity.workspace,
        entity=task.entity.name,
        kind=task.main.kind,
        state=state,
        counts=counts,
        files=writer.close(),
        replaces=task.main.kind == "full",
        notes=(*resumed, *read.notes, *((sweep.note,) if sweep else ()), *check.notes),
        lists=check.lists,
        fields=task.entity.fingerprint,
        taken=rejected.taken(),
    )
