"""Where the cursor is decided, and which rows are requested from the previous cursor to the next.

An entity type, its read state and the options come in; readings, the next cursor and the intervals
that are then covered go out. Pure; `entity_task` calls it. The newest slice has no upper bound, so
that a row which changes all the time still arrives; the cursor comes from the server's clock alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from octane_flows.client import Field, Query, field, is_field_name
from octane_flows.errors import UsageError
from octane_flows.extract.extract_plan import CHANGED, EntityPlan
from octane_flows.extract.options import Options
from octane_flows.extract.server_times import Moments
from octane_flows.lake import Interval, ReadState
from octane_flows.lake.read_state import ReadMode, merge_intervals

# Rows are only ever added to these: the history of runs has no `last_modified`.
MAX_QUERY = 2_000  # characters; the address also has the fields
GROWING = frozenset({"run_history"})
# A row may be committed after one with a higher id: this many of the newest ids are read again.
ID_OVERLAP = 500
# The rows of a collection that is read whole are compared one by one up to this number; of a larger
# collection every reading replaces the previous one.
MAX_COMPARED_ROWS = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The main readings, then the additional ones: an older slice, rows with a value in a new field.
Kind = Literal["full", "newest", "ids", "whole", "slice", "new fields"]
ADDITIONAL: frozenset[Kind] = frozenset({"slice", "new fields"})


@dataclass(frozen=True)
class Reading:
    """What to request: full and whole readings have no query, except for a slice."""

    kind: Kind
    query: Query | None


def choose_reading(
    entity: EntityPlan,
    state: ReadState | None,
    options: Options,
    moments: Moments,
    *,
    must_read_all: bool = False,
) -> Reading:
    """The main reading of an entity type; `state` is None when nothing usable is stored.

    `must_read_all`: all stored rows must be read again.
    """
    if state is None:
        return _first_reading(entity, options)
    if options.full:
        return Reading("full", None)
    if must_read_all:
        return Reading("full", stored_query(state))
    if state.mode == "whole":
        return Reading("whole" if state.recent else "full", None)
    if state.mode == "ids":
        start = max(0, (state.last_id or 0) - ID_OVERLAP)
        return Reading("ids", field("id").gt(start))
    cursor = moments.good_cursor(state)
    if cursor is None:
        return Reading("full", stored_query(state))
    return Reading("newest", _changed_since(moments.overlap_start(cursor), state))


def _changed_since(start: datetime, state: ReadState) -> Query:
    """The rows that changed since `start`, or since the newest stored row where that is older.

    A row that changed in between cannot be stored, whatever the clock said when it was read. So a
    quiet entity type loses no change even when its cursor lies in the future unnoticed.
    """
    if state.newest is not None and state.newest < start:
        return field(CHANGED).gt(state.newest)
    if state.newest is None and state.last_id is None:  # no row was ever read
        first = state.intervals[0].start if state.intervals else None
        return field(CHANGED).ge(first or EPOCH)
    return field(CHANGED).ge(start)


def _first_reading(entity: EntityPlan, options: Options) -> Reading:
    if options.since is None or not entity.has_last_modified:
        return Reading("full", None)
    if options.until is not None:
        raise UsageError(
            f"No rows of {entity.name} are stored yet, so --until has nothing to join; extract the "
            "newest slice with --since alone, then older ones with --since and --until."
        )
    return Reading("full", field(CHANGED).ge(options.since))


def additional_readings(
    main: Reading, state: ReadState | None, options: Options, new_fields: Query | None
) -> tuple[tuple[Reading, ...], tuple[Interval, ...]]:
    """Readings of rows that the main one does not bring, and the slices that they fill."""
    if main.kind in ("full", "whole") or state is None:
        return (), ()
    readings: list[Reading] = []
    slice_ = _older_slice(state, options)
    if slice_ is not None:
        readings.append(Reading("slice", _slice_query(slice_)))
    if new_fields is not None:
        part = stored_query(state)
        readings.append(Reading("new fields", new_fields if part is None else part & new_fields))
    return tuple(readings), () if slice_ is None else (slice_,)


def _older_slice(state: ReadState, options: Options) -> Interval | None:
    """The older slice that `since` and `until` ask for, half-open by `last_modified`."""
    if options.full or state.mode != "changes":
        return None
    if options.since is None and options.until is None:
        return None
    start = state.intervals[0].start if state.intervals else None
    end = options.until or start or state.cursor
    if options.since is not None and options.since >= end:
        return None
    return Interval(options.since, min(end, state.cursor))


def _slice_query(slice_: Interval) -> Query:
    query = field(CHANGED).lt(slice_.end)
    return query if slice_.start is None else field(CHANGED).ge(slice_.start) & query


def stored_query(state: ReadState) -> Query | None:
    """The rows that should be stored, None for all; the newest slice has no end."""
    if state.mode != "changes" or state.is_whole or not state.intervals:
        return None
    *older, newest = state.intervals
    if newest.start is None:
        return None
    query = field(CHANGED).ge(newest.start)
    for interval in older:
        query = query | _slice_query(interval)
    return query


def next_mode(entity: EntityPlan, *, named_ids: bool) -> ReadMode:
    """How an entity type can be kept current after it was read in full."""
    if named_ids:
        return "whole"
    if entity.has_last_modified:
        return "changes"
    return "ids" if entity.name in GROWING else "whole"


def next_intervals(
    state: ReadState | None, options: Options, cursor: datetime, slices: tuple[Interval, ...]
) -> tuple[Interval, ...]:
    """What is covered after the newest slice was read up to `cursor`, and the older slices."""
    if state is None:
        return (Interval(options.since, cursor),)
    if options.full:
        return (Interval(None, cursor),)
    newest = Interval(state.cursor, max(cursor, state.cursor))
    return merge_intervals([*state.intervals, newest, *slices])


def new_field_query(fields: Sequence[Field]) -> Query | None:
    """The rows with a value in any of some new fields; None when the server cannot select them.

    Nor can it where there are so many new fields that the query would fill the address.
    """
    query: Query | None = None
    for entry in fields:
        if not entry.filterable or entry.field_type == "object" or not is_field_name(entry.name):
            return None
        name = field(entry.name)
        filled = ~(name.is_empty() if entry.is_reference else name.is_null())
        query = filled if query is None else query | filled
    if query is not None and len(query.text) > MAX_QUERY:
        return None
    return query
