"""How far each entity type of each workspace was read: the state that the next extract needs.

`extract` makes these records, the manifest keeps them with their rows, `meta.*` and `status` show
them. Times are the server's, in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

#: changes: by `last_modified`; ids: rows are only ever added, so by id; whole: all, each time.
ReadMode = Literal["changes", "ids", "whole"]


@dataclass(frozen=True)
class Interval:
    """Rows with start <= `last_modified` < end are stored; `start` None: from the beginning."""

    start: datetime | None
    end: datetime


@dataclass(frozen=True)
class Census:
    """The last comparison of the stored rows with the rows that the server counts.

    `deleted` rows were missing on the server; `added` rows were missing in the lake.
    """

    at: datetime
    result: str
    server_count_start: int
    server_count_end: int
    deleted: int
    added: int


@dataclass(frozen=True)
class RejectedValue:
    """A value of the server that its column cannot hold: null in the lake since that time.

    Of the field `id`: the row itself is not in the lake, because its id cannot be used.
    """

    id: str
    field: str
    value: str
    since: datetime

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {**asdict(self), "since": _plain(self.since)}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> RejectedValue:
        """Read back what `to_json` gave."""
        return cls(**{**body, "since": _time(body["since"])})


@dataclass(frozen=True)
class NewestRow:
    """The row with the newest `last_modified` that was read, and its version where it has one."""

    id: str
    changed: datetime
    version: int | None = None


@dataclass(frozen=True)
class PastCursor:
    """An earlier cursor, and how far the server's clock was ahead of the machine's then."""

    cursor: datetime
    clock_ahead: timedelta


@dataclass(frozen=True)
class ReadState:
    """How far one entity type of one workspace was read.

    `cursor`: every row with an earlier `last_modified` is stored, within `intervals`. `recent`:
    id -> digest of the rows that the next extract reads again in its overlap, to tell them from new
    versions. `sweep_from`: the id at which the next link sweep continues. `deleted`: the number of
    tombstones by reason. `rejected`: the values that the lake cannot hold. `newest_row` is the
    newest row that was read. `clock_ahead` is how far the server's clock was ahead of the machine's
    when the cursor was set, and `past_cursors` are those of times when it was less ahead.
    `restored_at`: rows went back to older versions, as after a restore of the server from a backup,
    and the type was not read in full since.
    """

    mode: ReadMode
    cursor: datetime
    intervals: tuple[Interval, ...] = ()
    last_id: int | None = None
    recent: dict[str, str] = field(default_factory=dict)
    census: Census | None = None
    swept_at: datetime | None = None
    sweep_from: int | None = None
    deleted: dict[str, int] = field(default_factory=dict)
    rejected: tuple[RejectedValue, ...] = ()
    newest_row: NewestRow | None = None
    clock_ahead: timedelta = timedelta(0)
    past_cursors: tuple[PastCursor, ...] = ()
    restored_at: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """The newest `last_modified` that was read."""
        return self.newest_row.changed if self.newest_row is not None else None

    @property
    def is_whole(self) -> bool:
        """Whether rows of any age are stored, and not only those of backfilled slices."""
        return len(self.intervals) == 1 and self.intervals[0].start is None

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> ReadState:
        """Read back what `to_json` gave."""
        census = body.get("census")
        return cls(
            **{
                **body,
                "cursor": _time(body["cursor"]),
                "intervals": tuple(
                    Interval(
                        _time(interval["start"]) if interval["start"] else None,
                        _time(interval["end"]),
                    )
                    for interval in body.get("intervals", ())
                ),
                "census": Census(**{**census, "at": _time(census["at"])}) if census else None,
                "swept_at": _time(body["swept_at"]) if body.get("swept_at") else None,
                "rejected": tuple(map(RejectedValue.from_json, body.get("rejected", ()))),
                "newest_row": newest_row_from_json(body.get("newest_row")),
                "restored_at": _time(body["restored_at"]) if body.get("restored_at") else None,
                "clock_ahead": timedelta(seconds=body.get("clock_ahead", 0)),
                "past_cursors": tuple(
                    PastCursor(_time(past["cursor"]), timedelta(seconds=past["clock_ahead"]))
                    for past in body.get("past_cursors", ())
                ),
            }
        )


@dataclass(frozen=True)
class FieldEntry:
    """One field of one entity type in one workspace, as the metadata describes it."""

    workspace: str
    entity: str
    name: str
    label: str
    field_type: str
    is_multiple: bool
    is_user_defined: bool
    targets: tuple[str, ...]
    list_root: str | None
    first_generation: int
    last_generation: int


def newest_row_to_json(row: NewestRow | None) -> dict[str, Any] | None:
    """A newest row as JSON values."""
    return None if row is None else {**asdict(row), "changed": _plain(row.changed)}


def newest_row_from_json(body: dict[str, Any] | None) -> NewestRow | None:
    """Read back what the JSON of a newest row has; its time may be text."""
    if body is None:
        return None
    return NewestRow(**{**body, "changed": _time(str(body["changed"]))})


def merge_intervals(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same coverage in as few intervals as possible, in order of time."""
    ordered = sorted(
        intervals, key=lambda interval: (interval.start is not None, interval.start or interval.end)
    )
    merged: list[Interval] = []
    for interval in ordered:
        if merged and (interval.start is None or interval.start <= merged[-1].end):
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return tuple(merged)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
