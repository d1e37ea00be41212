"""What is checked after an entity type was read: rows that vanished, the census, the link sweep.

An `EntityRun` that has read in, its `Result` out; `every_type` calls `process` for each.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace

import numpy as np

from octane_flows.client import Id, Query, field
from octane_flows.extract.census import (
    IDS_PER_REQUEST,
    Findings,
    guard,
    take_census,
    verify_vanished,
)
from octane_flows.extract.cursor import held_query
from octane_flows.extract.entity_reading import LIST_ROOT, LIST_TYPE, EntityRun
from octane_flows.extract.extract_journal import Result, Swept
from octane_flows.extract.link_sweep import choose_range, sweep_links
from octane_flows.extract.page_to_arrow import DecodedPage
from octane_flows.lake import Census, ReadState
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.lake.stored_rows import Ids

NONE: Ids = np.empty(0, dtype=np.int64)


def process(run: EntityRun, asked: Future[DecodedPage] | None) -> Result:
    """Read, check and write one entity type; on any failure its files are dropped."""
    try:
        run.read(asked)
        return _Upkeep(run).finish()
    except BaseException:
        run.writer.discard()
        raise


def read_strangers(run: EntityRun, result: Result, held: Ids, strangers: Ids) -> Result:
    """The result of a type with the rows that moved there; after a census it is counted again."""
    run.recent.digests.update(result.state.recent)
    upkeep = _Upkeep(run)
    try:
        if run.context.options.census:
            rows_held = upkeep.count_again(held, strangers)
        else:
            rows_held = len(held) + upkeep.read_ids([str(one) for one in strangers])
    except BaseException:
        run.writer.discard()
        raise
    state = replace(
        result.state, census=upkeep.census, deleted=upkeep.deleted, recent=run.recent.digests
    )
    result = run.added_to(result)
    counts = replace(result.counts, rows_held=rows_held)
    if upkeep.server_counts is not None:
        counts = replace(counts, server_count_end=upkeep.server_counts[1])
    return replace(result, state=state, counts=counts)


class _Upkeep:
    """The steps after the reading, and what they learned."""

    def __init__(self, run: EntityRun) -> None:
        self.run = run
        self.options = run.context.options
        self.deleted: dict[str, int] = dict(run.known.state.deleted) if run.known.state else {}
        self.census: Census | None = run.known.state.census if run.known.state else None
        self.swept_at = run.known.state.swept_at if run.known.state else None
        self.sweep_from = run.known.state.sweep_from if run.known.state else None
        self.server_counts: tuple[int, int] | None = None
        self.lists: list[tuple[str, SchemaChangeKind]] = []

    def finish(self) -> Result:
        run = self.run
        if run.reading.kind == "full":
            rows_held: int | None = self._after_full()
        elif run.reading.kind == "whole":
            rows_held = self._after_whole()
        else:
            rows_held = self._after_changes()
        return run.finish(
            rows_held=rows_held,
            server_counts=self.server_counts,
            change=self._state,
            lists=self.lists,
        )

    def _state(self, state: ReadState) -> ReadState:
        return replace(
            state,
            census=self.census,
            deleted=self.deleted,
            swept_at=self.swept_at,
            sweep_from=self.sweep_from,
        )

    def _after_full(self) -> int:
        """A full reading is a census: what it did not bring of the rows held has vanished."""
        run, name, workspace = self.run, self.run.entity.name, self.run.entity.workspace
        read = len(run.writer.numbers) + len(run.writer.names)
        gone: dict[str, str] = {}
        if run.known.state is not None and run.context.held.has_rows(name, workspace):
            vanished, total = self._missing(name, workspace)
            gone = self._bury(vanished, total)
        before = run.count.first_count if run.count.first_count is not None else read
        self.record(before, run.count.total_count, len(gone), 0)
        self.swept_at = run.as_of
        return read

    def _missing(self, name: str, workspace: str) -> tuple[list[str], int]:
        """Ids held that a full reading did not bring, and how many are held."""
        writer, held = self.run.writer, self.run.context.held
        if writer.names:
            named = set(held.ids(name, workspace))
            missing = named.difference(writer.names, map(str, writer.numbers))
            return sorted(missing), len(named)
        numbers = held.numbers(name, workspace)
        read = np.array(writer.numbers, dtype=np.int64)
        return [str(one) for one in np.setdiff1d(numbers, read)], len(numbers)

    def _after_whole(self) -> int:
        """The rows held are those whose digests are known."""
        run = self.run
        known = run.known.state.recent if run.known.state else {}
        vanished = sorted(known.keys() - run.recent.digests.keys())
        if run.entity.name == LIST_TYPE:
            self._compare_lists(known, vanished)
        gone = self._bury(vanished, len(known))
        for id in vanished:
            if id not in gone:  # it came back while it was asked for
                run.recent.digests[id] = known[id]
        self.record(run.count.total_count, run.count.total_count, len(gone), 0)
        self.swept_at = run.context.as_of
        return len(run.recent.digests)

    def _after_changes(self) -> int | None:
        run = self.run
        rows_held = run.known.rows_held
        swept: Swept | None = None
        held: Ids | None = None
        if self.options.census or self._sweeps():
            held = self._held()
        if self._sweeps() and held is not None and len(held):
            swept = self._sweep(held)
        if self.options.census and held is not None:
            rows_held = self.take_census(held)
        elif rows_held is not None:
            rows_held += run.writer.new_rows
        if swept is not None:
            change = self._correct(swept)
            rows_held = None if rows_held is None else rows_held + change
        return rows_held

    def _held(self) -> Ids:
        """The ids held after this reading."""
        run = self.run
        before = run.context.held.numbers(run.entity.name, run.entity.workspace)
        written = np.array(sorted(map(int, run.writer.written)), dtype=np.int64)
        return np.union1d(before, written)

    def take_census(self, held: Ids, strangers: Ids = NONE) -> int:
        """Count, bury what vanished, read what is unknown; `strangers` are known to be here too."""
        run = self.run
        found = take_census(
            run.workspace,
            run.entity,
            np.union1d(held, strangers),
            run.context.pool,
            page_size=self.options.page_size,
            query=self._held_query(),
        )
        alien = set(strangers.tolist())
        vanished = [
            str(one)
            for one in found.vanished
            if str(one) not in run.writer.written and one not in alien
        ]
        gone = self._bury(vanished, len(held))
        added = self.read_ids([str(one) for one in (*found.unknown, *sorted(alien))])
        self.record(found.server_count, self._server_count(found, added), len(gone), added)
        return len(held) - len(gone) + added

    def count_again(self, held: Ids, strangers: Ids) -> int:
        """Take a second census, and note what both found."""
        first = self.census
        rows_held = self.take_census(held, strangers)
        second = self.census
        if first is not None and second is not None:
            self.record(
                first.server_count_start,
                second.server_count_end,
                first.vanished + second.vanished,
                first.found + second.found,
            )
        return rows_held

    def _held_query(self) -> Query | None:
        state = self.run.known.state
        return held_query(state) if state is not None else None

    def _server_count(self, found: Findings, added: int) -> int:
        """The server's count after the census."""
        if found.is_equal and not added:
            return found.server_count
        page = self.run.workspace.page(
            self.run.entity.collection, fields=["id"], query=self._held_query(), limit=1
        )
        return page.total_count

    def read_ids(self, ids: Sequence[str]) -> int:
        """Read rows that should be held; gives how many were not."""
        before, part = self.run.writer.new_rows, self._held_query()
        for start in range(0, len(ids), IDS_PER_REQUEST):
            query = field("id").in_([Id(one) for one in ids[start : start + IDS_PER_REQUEST]])
            self.run.read_more(query if part is None else query & part)
        return self.run.writer.new_rows - before

    def _bury(self, vanished: Sequence[str], among: int) -> dict[str, str]:
        """Ask for each vanished id again and write tombstones; gives the reasons by id.

        `among`: how many rows were looked for.
        """
        run, context = self.run, self.run.context
        if not vanished:
            return {}
        guard(run.entity, len(vanished), among, self.options, self.options.accept_deletions)
        reasons = verify_vanished(
            run.workspace,
            run.entity,
            vanished,
            context.pool,
            others=[one for key, one in context.workspaces.items() if key != run.entity.workspace],
        )
        run.writer.write_tombstones(reasons)
        for id, reason in reasons.items():
            run.recent.digests.pop(id, None)  # should it come back unchanged, it is new again
            self.deleted[reason] = self.deleted.get(reason, 0) + 1
        return reasons

    def record(self, before: int, after: int, vanished: int, found: int) -> None:
        """Note what a census found."""
        result = "equal" if not vanished and not found else f"{vanished} vanished, {found} found"
        self.census = Census(self.run.as_of, result, before, after, vanished, found)
        self.server_counts = (before, after)

    def _sweeps(self) -> bool:
        return self.options.sweep and bool(self.run.entity.links)

    def _sweep(self, held: Ids) -> Swept:
        """Compare the links of a share of the owners."""
        run = self.run
        chosen = choose_range(held, self.sweep_from, self.options.sweep_share)
        part = run.parts.former
        former = part.swept if part is not None else None
        swept = sweep_links(run, chosen.owners, held, self._held_query(), former)
        self.sweep_from = chosen.next_from
        self.swept_at = run.context.as_of
        run.notes.append(
            f"link sweep: {swept.owners:,} of {len(held):,} owners, {swept.changed} sets changed"
        )
        return swept

    def _correct(self, swept: Swept) -> int:
        """Bury and read what a sweep met and a census did not; by how many more rows are held."""
        run = self.run
        missing = [one for one in swept.missing if one not in run.writer.written]
        gone = self._bury(missing, swept.owners)
        added = self.read_ids([one for one in swept.unknown if one not in run.writer.written])
        if gone or added:
            run.notes.append(f"the sweep met {len(gone)} rows that vanished, {added} unknown ones")
            if self.options.census and self.census is not None:
                census = self.census
                self.record(
                    census.server_count_start,
                    census.server_count_end,
                    census.vanished + len(gone),
                    census.found + added,
                )
        return added - len(gone)

    def _compare_lists(self, known: Collection[str], vanished: Sequence[str]) -> None:
        """Lists whose root came or went."""
        run = self.run
        new = [id for id in run.roots if id not in known]
        self.lists += [(id, "list_added") for id in sorted(new)]
        roots = run.context.held.values(LIST_TYPE, run.entity.workspace, vanished, LIST_ROOT)
        self.lists += [(id, "list_removed") for id in sorted(roots) if roots[id] is None]
