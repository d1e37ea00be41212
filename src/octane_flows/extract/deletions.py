"""Where deletions are detected: rows that the lake has and the server no longer answers.

A task, its writer and what was read come in; tombstones go to the writer and a `RowCheck` goes out.
`entity_types` calls it after each reading. An unanswered id is requested once more before it counts
as deleted, and more deletions than a clean-up explains stop the extract. A row that moved to
another entity type or workspace is read there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from octane_flows.client.entity_count import COUNT_LIMIT_ERROR
from octane_flows.errors import LakeError, RequestError
from octane_flows.extract.census import take_census
from octane_flows.extract.deletion_reasons import (
    MOVED_TO,
    MOVED_TO_WORKSPACE,
    deletion_reasons,
    require_plausible,
)
from octane_flows.extract.entity_reading import LIST_ROOT, LIST_TYPE, EntityRead
from octane_flows.extract.entity_result import ReadCount, Result, merge_tables
from octane_flows.extract.entity_task import Context, EntityTask, Previous, make_task
from octane_flows.extract.entity_writer import EntityWriter
from octane_flows.extract.extract_journal import SweepProgress
from octane_flows.extract.extract_plan import Key
from octane_flows.extract.id_queries import id_groups, id_query, require_requested
from octane_flows.extract.row_ids import id_number
from octane_flows.lake import Census
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.lake.stored_rows import Ids, StoredRows

NO_IDS: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class RowCheck:
    """How the stored rows compare with the server's after a reading.

    `rows_stored` None: the number is not known. `deleted` are the reasons by id; `restored` are the
    digests of rows that a reading did not bring and that are there after all. `census` None: no
    census was taken. `cost` is that of rows that were read because of it.
    """

    rows_stored: int | None
    deleted: Mapping[str, str] = field(default_factory=dict)
    restored: Mapping[str, str] = field(default_factory=dict)
    census: Census | None = None
    cost: ReadCount = field(default_factory=ReadCount)
    lists: tuple[tuple[str, SchemaChangeKind], ...] = ()
    notes: tuple[str, ...] = ()

    def recent(self, digests: Mapping[str, str]) -> dict[str, str]:
        """The digests for the next refresh; a deleted row that returns unchanged is a new one."""
        merged = {**digests, **self.restored}
        return {id: digest for id, digest in merged.items() if id not in self.deleted}

    def tombstones(self, previous: Mapping[str, int]) -> dict[str, int]:
        """How many tombstones there are by reason, the previous ones included."""
        counts = dict(previous)
        for reason in self.deleted.values():
            counts[reason] = counts.get(reason, 0) + 1
        return counts


def check_full_reading(task: EntityTask, writer: EntityWriter, count: ReadCount) -> RowCheck:
    """A full reading is a census: stored rows that it did not bring are deleted."""
    rows_read = len(writer.numbers) + len(writer.names)
    deleted: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    if task.state is not None:
        try:
            unanswered, rows_stored = _not_read(task, writer)
        except LakeError:
            if not task.context.options.full:
                raise
            # nothing of it is needed: the new files take its place
            unanswered, rows_stored = [], 0
            notes = ("the stored files could not be read and were replaced by what was read now",)
        deleted = delete_unanswered(task, writer, unanswered, rows_stored)
    before = count.first_count if count.first_count is not None else rows_read
    census = _census(task.moments.as_of, before, count.total_count, len(deleted), 0)
    return RowCheck(rows_read, deleted, census=census, notes=notes)


def _not_read(task: EntityTask, writer: EntityWriter) -> tuple[list[str], int]:
    """The stored ids that a full reading did not bring, and how many are stored."""
    name, workspace, stored = task.entity.name, task.entity.workspace, task.context.stored
    if not stored.has_rows(name, workspace):
        return [], 0
    if writer.names:
        ids = set(stored.live_ids(name, workspace))
        return sorted(ids.difference(writer.names, map(str, writer.numbers))), len(ids)
    numbers = stored.live_numeric_ids(name, workspace)
    read = np.array(writer.numbers, dtype=np.int64)
    return [str(id) for id in np.setdiff1d(numbers, read)], len(numbers)


def check_whole_reading(task: EntityTask, writer: EntityWriter, read: EntityRead) -> RowCheck:
    """The stored rows are those whose digests the previous reading left."""
    previous = task.state.recent if task.state is not None else {}
    unanswered = sorted(previous.keys() - read.recent.keys())
    deleted = delete_unanswered(task, writer, unanswered, len(previous))
    restored = {id: previous[id] for id in unanswered if id not in deleted}
    count = read.main.total_count
    return RowCheck(
        len(read.recent) + len(restored),
        deleted,
        restored,
        _census(task.moments.as_of, count, count, len(deleted), 0),
        lists=_list_changes(task, read, previous, unanswered),
    )


def _list_changes(
    task: EntityTask, read: EntityRead, previous: Mapping[str, str], unanswered: Sequence[str]
) -> tuple[tuple[str, SchemaChangeKind], ...]:
    """Lists whose root was added or removed."""
    columns = task.context.plan.tables[task.entity.name].columns
    if task.entity.name != LIST_TYPE or LIST_ROOT not in {column.name for column in columns}:
        return ()
    added: list[tuple[str, SchemaChangeKind]] = [
        (id, "list_added") for id in sorted(read.roots) if id not in previous
    ]
    roots = task.context.stored.newest_values(
        LIST_TYPE, task.entity.workspace, unanswered, LIST_ROOT
    )
    return (*added, *((id, "list_removed") for id in sorted(roots) if roots[id] is None))


def stored_ids(task: EntityTask, writer: EntityWriter) -> Ids:
    """The ids that the lake has after this reading, in order."""
    before = task.context.stored.live_numeric_ids(task.entity.name, task.entity.workspace)
    written = np.array(sorted(map(int, writer.written)), dtype=np.int64)
    return np.union1d(before, written)


def counts_differ(task: EntityTask, writer: EntityWriter, rows_stored: int | None) -> bool:
    """Whether a census is worth its requests: the server counts other rows than are stored.

    More rows than are stored prove nothing while the type changes: they may have come since.
    """
    if rows_stored is None:
        return False
    try:
        page = task.workspace.page(
            task.entity.collection, fields=["id"], query=task.stored_query, limit=1
        )
    except RequestError as error:
        if error.error_code != COUNT_LIMIT_ERROR:
            raise
        return False  # a collection that the server does not count has its census on request
    if page.exceeds_total_count:
        return False
    return page.total_count < rows_stored or (page.total_count > rows_stored and not writer.rows)


def check_by_census(
    task: EntityTask, writer: EntityWriter, stored: Ids, moved_here: Ids = NO_IDS
) -> RowCheck:
    """Take a census, delete what is not answered, read what the lake lacks.

    `moved_here` are rows that moved here from elsewhere and are not stored yet.
    """
    server_count, difference = take_census(
        task.workspace,
        task.entity,
        np.union1d(stored, moved_here),
        task.context.pool,
        page_size=task.context.options.page_size,
        query=task.stored_query,
    )
    moved = set(moved_here.tolist())
    unanswered = [
        str(id) for id in difference.unanswered if str(id) not in writer.written and id not in moved
    ]
    deleted = delete_unanswered(task, writer, unanswered, len(stored))
    unread = [str(id) for id in (*difference.unread, *sorted(moved))]
    added, cost = read_rows(task, writer, unread)
    count_after = server_count
    if added or difference.unanswered or difference.unread:
        page = task.workspace.page(
            task.entity.collection, fields=["id"], query=task.stored_query, limit=1
        )
        count_after = page.total_count
    census = _census(task.moments.as_of, server_count, count_after, len(deleted), added)
    return RowCheck(len(stored) - len(deleted) + added, deleted, census=census, cost=cost)


def check_after_sweep(
    task: EntityTask, writer: EntityWriter, check: RowCheck, sweep: SweepProgress
) -> RowCheck:
    """Delete and read what a link sweep met and the census before it did not."""
    unanswered = [id for id in sweep.unanswered if id not in writer.written]
    deleted = delete_unanswered(task, writer, unanswered, sweep.owners)
    unread = [id for id in sweep.unread if id not in writer.written]
    added, cost = read_rows(task, writer, unread)
    if not deleted and not added:
        return replace(check, cost=check.cost.followed_by(cost))
    rows, census = check.rows_stored, check.census
    return replace(
        check,
        rows_stored=None if rows is None else rows + added - len(deleted),
        deleted={**check.deleted, **deleted},
        census=None if census is None else _census_with(census, len(deleted), added),
        cost=check.cost.followed_by(cost),
        notes=(*check.notes, f"the sweep met {len(deleted)} deleted rows, {added} unread ones"),
    )


def read_rows(task: EntityTask, writer: EntityWriter, ids: Sequence[str]) -> tuple[int, ReadCount]:
    """Read rows that the lake should have; returns how many it did not, and the cost."""
    before, cost = writer.new_rows, ReadCount()
    for group in id_groups(ids):
        query = id_query(group)
        if task.stored_query is not None:
            query = query & task.stored_query
        count = ReadCount()
        requested = frozenset(group)
        for page in task.pages().read(query, count):
            require_requested(task.entity, page, requested)
            writer.write_changed(page, {})
        cost = cost.followed_by(count)
    return writer.new_rows - before, cost


def delete_unanswered(
    task: EntityTask, writer: EntityWriter, ids: Sequence[str], among: int
) -> dict[str, str]:
    """Request each unanswered id again and write tombstones; returns the reasons by id.

    `among` is how many rows were compared. Raises ExtractError when too many are not answered.
    """
    if not ids:
        return {}
    context, entity = task.context, task.entity
    require_plausible(entity, len(ids), among, context.options)
    others = [other for id, other in context.workspaces.items() if id != entity.workspace]
    reasons = deletion_reasons(task.workspace, entity, ids, context.pool, others=others)
    writer.write_tombstones(reasons)
    return reasons


def _census(as_of: datetime, before: int, after: int, deleted: int, added: int) -> Census:
    result = "equal" if not deleted and not added else f"{deleted} deleted, {added} added"
    return Census(as_of, result, before, after, deleted, added)


def _census_with(census: Census, deleted: int, added: int) -> Census:
    """The census with rows that were deleted and added after it."""
    return _census(
        census.at,
        census.server_count_start,
        census.server_count_end,
        census.deleted + deleted,
        census.added + added,
    )


def read_moved_rows(context: Context, results: Mapping[Key, Result]) -> dict[Key, Result]:
    """Read the rows that moved to another entity type or workspace where they are now.

    All types are read by then. A row that moved in and a deleted one cancel out in a count, and the
    order in which the two types were counted does not matter here. Returns the results that change;
    where a census was taken, it is taken again.
    """
    lake, plan, parent = context.draft.lake, context.plan, context.draft.parent
    changed: dict[Key, Result] = {}
    with (
        StoredRows(lake, merge_tables(None, plan, results)) as new,
        StoredRows(lake, merge_tables(parent, plan, results)) as now,
    ):
        moved = _moved_ids(new, results)
        for entity in plan.entities:
            result = results.get(entity.key)
            if entity.key not in moved or result is None or result.kind in ("full", "whole"):
                continue
            stored = now.live_numeric_ids(entity.name, entity.workspace)
            moved_here = np.setdiff1d(np.array(sorted(moved[entity.key]), dtype=np.int64), stored)
            if not len(moved_here):
                continue
            previous = Previous(result.state, rows_stored=result.counts.rows_held)
            task = make_task(replace(context, stored=now), entity, previous)
            with task.writer(result) as writer:
                writer.already_written(new.ever_stored_ids(entity.name, entity.workspace, "id"))
                changed[entity.key] = _with_moved_rows(task, writer, result, stored, moved_here)
            context.journal.append(changed[entity.key])
    return changed


def _moved_ids(new: StoredRows, results: Mapping[Key, Result]) -> dict[Key, set[int]]:
    """The ids that moved, by the workspace and entity type where they are now."""
    moved: dict[Key, set[int]] = {}
    for (workspace, entity), result in results.items():
        if not any(reason.startswith(MOVED_TO) for reason in result.state.deleted):
            continue
        for id, reason in new.deletion_reasons(entity, workspace).items():
            if reason.startswith(MOVED_TO) and id_number(id) is not None:
                target = (workspace, reason.removeprefix(MOVED_TO))
                if reason.startswith(MOVED_TO_WORKSPACE):
                    target = (reason.removeprefix(MOVED_TO_WORKSPACE), entity)
                moved.setdefault(target, set()).add(int(id))
    return moved


def _with_moved_rows(
    task: EntityTask, writer: EntityWriter, result: Result, stored: Ids, moved_here: Ids
) -> Result:
    state = result.state
    if task.context.options.census:
        check = check_by_census(task, writer, stored, moved_here)
    else:
        added, cost = read_rows(task, writer, [str(id) for id in moved_here])
        check = RowCheck(len(stored) + added, cost=cost)
    first, second = state.census, check.census
    if first is not None and second is not None:
        joined = replace(first, at=second.at, server_count_end=second.server_count_end)
        check = replace(check, census=_census_with(joined, second.deleted, second.added))
    files = writer.close()
    result = result.with_files(files, rows=writer.rows, links=writer.links, cost=check.cost)
    counts = replace(result.counts, rows_held=check.rows_stored)
    if second is not None:
        counts = replace(counts, server_count_end=second.server_count_end)
    state = replace(
        state,
        census=check.census or state.census,
        deleted=check.tombstones(state.deleted),
        recent=check.recent(state.recent),
        rejected=writer.rejected.values(),
    )
    return replace(result, state=state, counts=counts, taken=writer.rejected.taken())
