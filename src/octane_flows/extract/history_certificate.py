"""What an extract did with the change history: read states, certificate rows, findings.

The readings of all entity types and the previous certificate come in; `history_reader` returns what
comes out to `run_extract`. The certificate says for each entity type from which moment on the
history is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from octane_flows.extract.extract_plan import Key
from octane_flows.extract.history_pages import HistoryCost, HistoryPages
from octane_flows.extract.history_records import COLUMNS, TABLE
from octane_flows.extract.history_windows import SECOND
from octane_flows.extract.history_writer import HistoryWriter, state_key
from octane_flows.extract.server_times import Moments
from octane_flows.lake import (
    CertificateRow,
    FileEntry,
    Finding,
    Interval,
    Manifest,
    ReadState,
    TableEntry,
)


@dataclass(frozen=True)
class TypeHistory:
    """The history of one entity type of one workspace; `refusal`: why it could not be read.

    `state` None: it was not read. `unknown_keys`, `unreadable` and `crowded` are of its records.
    """

    workspace: str
    entity_type: str
    collection: str
    state: ReadState | None = None
    files: Sequence[FileEntry] = ()
    cost: HistoryCost = field(default_factory=HistoryCost)
    rows_written: int = 0
    note: str = ""
    refusal: str = ""
    mode: str = "full"
    begins_late: bool = False
    unknown_keys: frozenset[str] = frozenset()
    unreadable: int = 0
    crowded: tuple[datetime, ...] = ()

    @property
    def key(self) -> Key:
        """The workspace, and the name among read states and in the certificate."""
        return self.workspace, state_key(self.entity_type)

    @property
    def begin(self) -> datetime | None:
        """The moment from which on the history is complete; None: it was not read."""
        return self.state.intervals[0].start if self.state is not None else None

    @classmethod
    def of(
        cls,
        workspace: str,
        pages: HistoryPages,
        writer: HistoryWriter,
        begin: datetime,
        *,
        gap_end: datetime | None,
        oldest_creation: datetime | None,
        is_first: bool,
        stored_state: ReadState | None,
    ) -> TypeHistory:
        """What a reading brought; it is complete from `begin` on."""
        cursor = writer.moments.cursor
        notes = [f"complete from {begin:%Y-%m-%d %H:%M:%S}"]
        if gap_end is not None:
            notes.append("the server dropped older changes before they were read")
        if pages.ids:
            notes.append("read by ids")
        if writer.resumed_at is not None:
            notes.append("a stopped extract had read a part")
        return cls(
            workspace,
            writer.entity_type,
            pages.collection,
            state=ReadState(
                "changes",
                cursor,
                (Interval(begin, cursor),),
                recent=writer.recent,
                clock_ahead=writer.moments.ahead,
                past_cursors=writer.moments.past_cursors(stored_state),
            ),
            files=tuple(writer.files),
            cost=pages.cost,
            rows_written=writer.rows,
            note="; ".join(notes),
            mode="full" if is_first else "newest",
            begins_late=gap_end is not None
            or (oldest_creation is not None and oldest_creation + SECOND < begin),
            unknown_keys=frozenset(pages.keys.unknown),
            unreadable=pages.keys.unreadable,
            crowded=tuple(pages.crowded),
        )


@dataclass(frozen=True)
class History:
    """What one extract read of the change history; `table` has the previous files, too."""

    table: TableEntry
    states: Mapping[Key, ReadState] = field(default_factory=dict)
    certificate: Sequence[CertificateRow] = ()
    findings: Sequence[Finding] = ()

    def added_to(
        self, states: Mapping[str, Mapping[str, ReadState]]
    ) -> dict[str, dict[str, ReadState]]:
        """The read states of a generation with those of the history."""
        merged = {workspace: dict(by_entity) for workspace, by_entity in states.items()}
        for (workspace, name), state in self.states.items():
            merged.setdefault(workspace, {})[name] = state
        return merged

    def certified(self, rows: Iterable[CertificateRow]) -> list[CertificateRow]:
        """The rows of a certificate with those of the history in place of the previous ones."""
        own = {(row.workspace, row.entity) for row in self.certificate}
        others = [row for row in rows if (row.workspace, row.entity) not in own]
        return [*others, *self.certificate]


def previous_history(parent: Manifest | None) -> TableEntry:
    """The table as the previous generation has it; without rows before it was ever read."""
    previous = parent.tables.get(TABLE) if parent is not None else None
    files = previous.files if previous is not None else ()
    return TableEntry(TABLE, "entity", TABLE, None, "Changed field", COLUMNS, files)


def complete_from(
    state: ReadState | None,
    oldest_record: datetime | None,
    oldest_creation: datetime | None,
    *,
    cursor: datetime,
    start: datetime | None,
    gap_end: datetime | None,
) -> datetime:
    """The moment from which on all changes are stored.

    A server may drop old changes or may have begun late to keep them. Where an entity is older than
    the oldest record, nothing is claimed for the time before that record.
    """
    if gap_end is not None:
        return gap_end
    if state is not None:
        return state.intervals[0].start or cursor if state.intervals else cursor
    if oldest_record is None:
        begin = cursor if oldest_creation is not None else (start or cursor)
    elif oldest_creation is not None and oldest_creation + SECOND < oldest_record:
        begin = oldest_record
    else:
        begin = oldest_creation or oldest_record
    return max(begin, start) if start is not None else begin


def history_certificate(
    parent: Manifest | None, read: Mapping[Key, TypeHistory], moments: Moments
) -> list[CertificateRow]:
    """A row for each history that was read or refused."""
    previous = {(row.workspace, row.entity): row for row in parent.certificate} if parent else {}
    return [_row(result, previous.get(key), moments) for key, result in read.items()]


def _row(result: TypeHistory, previous: CertificateRow | None, moments: Moments) -> CertificateRow:
    cost, state = result.cost, result.state
    if state is None and previous is not None:
        lag = moments.as_of - previous.cursor if previous.cursor is not None else None
        return replace(
            previous,
            status="refused",
            note=result.note,
            rows_written=0,
            lag_s=lag.total_seconds() if lag is not None else None,
        )
    cursor = state.cursor if state is not None else None
    return CertificateRow(
        workspace=result.workspace,
        entity=state_key(result.entity_type),
        collection=result.collection,
        total_count=cost.records,
        rows_read=cost.records,
        pages=cost.pages,
        bytes_received=cost.bytes_received,
        status="complete" if state is not None else "refused",
        note=result.note,
        mode=result.mode,
        rows_written=result.rows_written,
        cursor=cursor,
        lag_s=(moments.as_of - cursor).total_seconds() if cursor is not None else None,
        complete_from=result.begin,
    )


def history_findings(read: Iterable[TypeHistory]) -> list[Finding]:
    """One sentence for each kind of trouble of a workspace, with the entity types that have it."""
    findings: list[Finding] = []
    results = list(read)
    for workspace in dict.fromkeys(result.workspace for result in results):
        own = [result for result in results if result.workspace == workspace]
        findings += [Finding(workspace, text) for text in _sentences(own)]
    return findings


def _sentences(results: Sequence[TypeHistory]) -> Iterable[str]:
    refused = [result for result in results if result.refusal]
    if refused:
        yield (
            f"the change history of {_names(refused)} could not be read ({refused[0].refusal}); "
            "what was read of it before is kept, and stays in phases are as exact as the versions "
            "that were read"
        )
    late = [result for result in results if result.begins_late]
    if late:
        yield (
            "the server has no older changes than the change history is complete from: "
            + ", ".join(f"{result.entity_type} {result.begin:%Y-%m-%d %H:%M:%S}" for result in late)
            + " (UTC)"
        )
    unknown = sorted({key for result in results for key in result.unknown_keys})
    if unknown:
        yield f"records of the change history have keys that are not read: {', '.join(unknown)}"
    unreadable = sum(result.unreadable for result in results)
    if unreadable:
        yield (
            f"{unreadable} records of the change history have no time, entity or changed fields "
            "in a form that is known, and are left out"
        )
    for result in results:
        for second in result.crowded[:1]:
            yield (
                f"the change history of {result.entity_type} has more changes of "
                f"{second:%Y-%m-%d %H:%M:%S} UTC than the server gives; some of them are missing"
            )


def _names(results: Sequence[TypeHistory]) -> str:
    return ", ".join(result.entity_type for result in results)
