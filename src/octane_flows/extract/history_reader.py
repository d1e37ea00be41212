"""The change history of entity types: who changed which field from what to what, and when.

The plan, the previous generation and the rows of this extract come in; the table `history_log`, its
read states, certificate rows and findings go out. `run_extract` calls it. The history is a source
of its own: it is read by time, and what cannot be read of it stops nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock

from octane_flows.client import Workspace
from octane_flows.config import DEFAULT_HISTORY
from octane_flows.errors import (
    AccessError,
    AnswerError,
    NotFoundError,
    RequestError,
    ServerError,
    SignInError,
    UnavailableError,
    UsageError,
)
from octane_flows.extract.extract_journal import Journal
from octane_flows.extract.extract_plan import Key, Plan
from octane_flows.extract.history_certificate import (
    History,
    TypeHistory,
    complete_from,
    history_certificate,
    history_findings,
    previous_history,
)
from octane_flows.extract.history_pages import MAX_RECORDS, HistoryPages
from octane_flows.extract.history_windows import Window, whole_second
from octane_flows.extract.history_writer import HistoryWriter, state_key
from octane_flows.extract.options import Options
from octane_flows.extract.server_times import Moments
from octane_flows.lake import Draft, ReadState, TableEntry
from octane_flows.lake.stored_rows import StoredRows

IDS_PER_HISTORY_REQUEST = 50  # of restricted users; programs in production ask for as many
ROOT_SUFFIX = "_root"
GAP_CHECK_LAG_S = 24 * 3600.0  # an older cursor may lie before the server's retention


@dataclass(frozen=True)
class _Way:
    """How a server gives its history: by which collection, of all entities or by their ids."""

    collection: str
    by_ids: bool = False


#: In the order in which they are tried; what the vendor recommends is not known in full.
WAYS = (
    _Way("history_logs"),
    _Way("history_logs", by_ids=True),
    _Way("history_records"),
    _Way("history_records", by_ids=True),
)


@dataclass(frozen=True)
class HistoryContext:
    """What the readings of all workspaces share; `stored` has the rows of this extract, too."""

    draft: Draft
    plan: Plan
    moments: Moments
    options: Options
    journal: Journal
    stored: StoredRows

    def stored_state(self, workspace: str, entity_type: str) -> ReadState | None:
        """The read state of the previous generation."""
        parent = self.draft.parent
        states = parent.states.get(workspace, {}) if parent is not None else {}
        return states.get(state_key(entity_type))

    def state(self, workspace: str, entity_type: str) -> ReadState | None:
        """How far a history was read; None: it is read from its beginning."""
        state = self.stored_state(workspace, entity_type)
        cursor = self.moments.good_cursor(state) if state is not None else None
        if state is None or cursor is None or self.options.full:
            return None
        return replace(state, cursor=cursor)


def read_history(
    draft: Draft,
    plan: Plan,
    workspaces: Mapping[str, Workspace],
    moments: Moments,
    options: Options,
    journal: Journal,
    tables: Mapping[str, TableEntry],
) -> History:
    """Read what is new in the history of the chosen types; `tables` are those of this extract.

    Raises ServerError when the server does not answer at all.
    """
    read: dict[Key, TypeHistory] = {}
    with StoredRows(draft.lake, tables) as stored:
        context = HistoryContext(draft, plan, moments, options, journal, stored)
        with ThreadPoolExecutor(options.concurrency, thread_name_prefix="history") as pool:
            for workspace in workspaces.values():
                reader = _WorkspaceHistory(context, workspace)
                for result in reader.read(pool):
                    read[result.key] = result
    table = previous_history(draft.parent)
    new_files = [file for result in read.values() for file in result.files]
    return History(
        replace(table, files=(*table.files, *new_files)),
        {key: result.state for key, result in read.items() if result.state is not None},
        history_certificate(draft.parent, read, moments),
        history_findings(read.values()),
    )


def require_history_types(plan: Plan, names: Sequence[str]) -> None:
    """Raise UsageError where the settings name an entity type that no workspace has."""
    types = {name for _, name in plan.subtypes}
    unknown = [name for name in names if name not in types and name not in DEFAULT_HISTORY]
    if unknown:
        raise UsageError(
            f"OCTANE_HISTORY names {', '.join(unknown)}, and the server has no such entity type; "
            "octane-flows doctor lists those that it has."
        )


def history_types(plan: Plan, names: Sequence[str], workspace: str) -> list[str]:
    """The entity types of a workspace that are planned and whose history is wanted.

    The root of a tree is made with its workspace and has no history.
    """
    wanted = {type for name in names for type in plan.concrete(workspace, name)}
    return [
        entity.name
        for entity in plan.entities
        if entity.workspace == workspace
        and entity.name in wanted
        and not entity.name.endswith(ROOT_SUFFIX)
    ]


class _WorkspaceHistory:
    """Reads the history of one workspace: the first type shows in which way the others are read."""

    def __init__(self, context: HistoryContext, workspace: Workspace) -> None:
        self._context = context
        self._workspace = workspace
        self._lock = Lock()
        self._limit = MAX_RECORDS

    def read(self, pool: ThreadPoolExecutor) -> list[TypeHistory]:
        """The results of all types."""
        types = history_types(self._context.plan, self._context.options.history, self._workspace.id)
        if not types:
            return []
        way, first = self._first(types[0])
        if way is None:
            return [
                first,
                *(self._refused(name, first.collection, first.note) for name in types[1:]),
            ]
        ids = {name: self._ids(name) if way.by_ids else [] for name in types[1:]}
        others = pool.map(lambda name: self._read_or_refuse(name, way, ids[name]), types[1:])
        return [first, *others]

    def _first(self, name: str) -> tuple[_Way | None, TypeHistory]:
        """The way that the server takes, and the history of the first type; else its refusal."""
        reasons: list[str] = []
        missing: set[str] = set()
        for way in WAYS:
            if way.collection in missing:
                continue
            try:
                result = self._read(name, way, self._probed_ids(name) if way.by_ids else [])
            except NotFoundError as error:
                missing.add(way.collection)
                reasons.append(str(error))
            except (AccessError, RequestError, AnswerError) as error:
                reasons.append(str(error))
            except UnavailableError as error:
                reasons.insert(0, str(error))
                break
            else:
                if result.cost.records or way.collection in (
                    WAYS[0].collection,
                    self._previous_collection(name),
                ):
                    return way, result
                reasons.append(f"{way.collection} has no records that show their form")
        return None, self._refused(name, WAYS[0].collection, reasons[0])

    def _previous_collection(self, name: str) -> str | None:
        """The collection from which the history was read before."""
        parent = self._context.draft.parent
        if parent is None or self._context.state(self._workspace.id, name) is None:
            return None
        key = self._workspace.id, state_key(name)
        return next(
            row.collection for row in parent.certificate if (row.workspace, row.entity) == key
        )

    def _probed_ids(self, name: str) -> list[str]:
        """Ids to ask for, at least one: without a request nothing shows that they are answered."""
        stored = self._context.stored.ever_stored_ids(name, self._workspace.id, "id")
        return self._ids(name) or sorted(stored)[:1] or ["1"]

    def _read_or_refuse(self, name: str, way: _Way, ids: Sequence[str]) -> TypeHistory:
        try:
            return self._read(name, way, ids)
        except SignInError:
            raise
        except ServerError as error:
            return self._refused(name, way.collection, str(error))

    def _refused(self, name: str, collection: str, reason: str) -> TypeHistory:
        return TypeHistory(self._workspace.id, name, collection, refusal=reason, note=reason)

    def _ids(self, name: str) -> list[str]:
        """The entities whose history may be new: those that changed since it was read."""
        context, workspace = self._context, self._workspace.id
        state = context.state(workspace, name)
        if state is None:
            ids = context.stored.ever_stored_ids(name, workspace, "id")
        else:
            since = context.moments.overlap_start(state.cursor)
            ids = context.stored.changed_since(name, workspace, since)
            ids |= context.stored.deleted_in(name, workspace, context.draft.generation)
        return sorted(ids, key=lambda id: (len(id), id))

    def _read(self, name: str, way: _Way, ids: Sequence[str]) -> TypeHistory:
        """One type; on any failure its open file is deleted."""
        context = self._context
        state = context.state(self._workspace.id, name)
        start = context.options.since if state is None else None
        if state is not None:
            start = whole_second(context.moments.overlap_start(state.cursor))
        pages = HistoryPages(
            self._workspace, way.collection, name, newest=context.moments.as_of, limit=self._limit
        )
        writer = HistoryWriter(
            context.draft,
            self._workspace.id,
            name,
            context.moments,
            context.journal,
            self._lock,
            reading=f"{way.collection} {'by ids' if way.by_ids else 'all'} from {start}",
            previous=frozenset(state.recent) if state is not None else frozenset(),
        )
        try:
            if way.by_ids:
                self._read_by_ids(pages, writer, start, ids)
            else:
                self._read_all(pages, writer, start)
            gap_end = self._gap_end(pages, state)
        except BaseException as error:
            writer.discard()
            if isinstance(error, ServerError):
                writer.delete_files()
            raise
        writer.close()
        self._limit = pages.limit
        oldest = None if state is not None else self._oldest_creation(name)
        begin = complete_from(
            state,
            writer.oldest,
            oldest,
            cursor=writer.moments.cursor,
            start=start,
            gap_end=gap_end,
        )
        if gap_end is None:
            begin = min(begin, self._stored_from(name, begin))
        return TypeHistory.of(
            self._workspace.id,
            pages,
            writer,
            begin,
            gap_end=gap_end,
            oldest_creation=oldest,
            is_first=state is None,
            stored_state=context.stored_state(self._workspace.id, name),
        )

    def _stored_from(self, name: str, begin: datetime) -> datetime:
        """Where the stored history begins, if a reading that begins there joins it."""
        stored = self._context.stored_state(self._workspace.id, name)
        if stored is None or not stored.intervals or begin > stored.cursor:
            return begin
        return stored.intervals[0].start or begin

    def _read_all(self, pages: HistoryPages, writer: HistoryWriter, start: datetime | None) -> None:
        end = datetime.fromtimestamp(writer.resumed_at, UTC) if writer.resumed_at else None
        for page in pages.read(Window(start, end)):
            writer.write(page.saves)
            if page.left and page.left[0].end is not None:
                writer.end_part(int(page.left[0].end.timestamp()))

    def _read_by_ids(
        self, pages: HistoryPages, writer: HistoryWriter, start: datetime | None, ids: Sequence[str]
    ) -> None:
        rest = [id for id in ids if not id.isdecimal() or int(id) > (writer.resumed_at or 0)]
        for batch in _batches(rest):
            pages.ids = batch
            for page in pages.read(Window(start)):
                writer.write(page.saves)
            if batch[-1].isdecimal():
                writer.end_part(int(batch[-1]))

    def _gap_end(self, pages: HistoryPages, state: ReadState | None) -> datetime | None:
        """Where the server's history begins, if it lost changes that the lake has not read yet."""
        context = self._context
        if state is None or pages.ids:
            return None
        if (context.moments.as_of - state.cursor).total_seconds() < GAP_CHECK_LAG_S:
            return None
        oldest = pages.oldest()
        begin = state.intervals[0].start if state.intervals else None
        if oldest is None or begin is None or oldest <= begin:
            return None
        return oldest if oldest > state.cursor else None

    def _oldest_creation(self, name: str) -> datetime | None:
        with self._lock:  # the stored rows are for one thread at a time
            return self._context.stored.oldest(name, self._workspace.id, "creation_time")


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for place in range(0, len(ids), IDS_PER_HISTORY_REQUEST):
        yield ids[place : place + IDS_PER_HISTORY_REQUEST]
