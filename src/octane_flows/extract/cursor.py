"""Which rows to ask for: an entity type, what is known of it and the options in, a reading out.

Pure. The newest slice has no upper bound, so that a row which changes all the time still arrives;
the cursor that follows it comes from the server's clock alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from octane_flows.client import Field, Query, field
from octane_flows.errors import UsageError
from octane_flows.extract.extract_plan import EntityPlan
from octane_flows.extract.options import Options
from octane_flows.lake import Interval, ReadState
from octane_flows.lake.read_state import ReadMode, merge_intervals

CHANGED = "last_modified"
# Rows are only ever added to these: the history of runs has no `last_modified`.
GROWING = frozenset({"run_history"})
# A row may be committed after one with a higher id: so far back the newest ids are asked for again.
ID_OVERLAP = 500
# So many rows of a collection that is read whole are told apart one by one; of a larger one every
# reading replaces the former.
WHOLE_COMPARED = 20_000

#: The main readings, and those beside one: an older slice, rows with a value in a new field.
Kind = Literal["full", "newest", "ids", "whole", "slice", "new fields"]
BESIDE: frozenset[Kind] = frozenset({"slice", "new fields"})


@dataclass(frozen=True)
class Reading:
    """What to ask for: full and whole readings have no query unless a slice was asked for."""

    kind: Kind
    query: Query | None


def choose_reading(
    entity: EntityPlan,
    known: ReadState | None,
    options: Options,
    cursor: datetime,
    *,
    again: bool = False,
) -> Reading:
    """The main reading of an entity type; `known` None means that nothing usable is held.

    `cursor` is where the next cursor will stand: it lies before the known one when the server's
    clock was set back, and then the reading starts there. `again`: all rows held must be read anew.
    """
    if known is None:
        return _first_reading(entity, options)
    if options.full:
        return Reading("full", None)
    if again:
        return Reading("full", held_query(known))
    if known.mode == "whole":
        return Reading("whole" if known.recent else "full", None)
    if known.mode == "ids":
        start = max(0, (known.last_id or 0) - ID_OVERLAP)
        return Reading("ids", field("id").gt(start))
    return Reading("newest", field(CHANGED).ge(min(known.cursor, cursor) - options.overlap))


def _first_reading(entity: EntityPlan, options: Options) -> Reading:
    if options.since is None or not has_last_modified(entity):
        return Reading("full", None)
    if options.until is not None:
        raise UsageError(
            f"Nothing is held of {entity.name} yet, so --until has nothing to join; extract the "
            "newest slice with --since alone, then older ones with --since and --until."
        )
    return Reading("full", field(CHANGED).ge(options.since))


def backfill(known: ReadState | None, options: Options) -> Interval | None:
    """The older slice that was asked for beside the newest one, half-open by `last_modified`."""
    if known is None or options.full or known.mode != "changes":
        return None
    if options.since is None and options.until is None:
        return None
    start = known.intervals[0].start if known.intervals else None
    end = options.until or start or known.cursor
    if options.since is not None and options.since >= end:
        return None
    return Interval(options.since, min(end, known.cursor))


def slice_query(slice_: Interval) -> Query:
    """The rows of a half-open slice."""
    query = field(CHANGED).lt(slice_.end)
    return query if slice_.start is None else field(CHANGED).ge(slice_.start) & query


def held_query(known: ReadState) -> Query | None:
    """The rows that should be held, where not all of any age are; the newest slice has no end."""
    if known.mode != "changes" or known.is_whole or not known.intervals:
        return None
    *older, newest = known.intervals
    if newest.start is None:
        return None
    query = field(CHANGED).ge(newest.start)
    for one in older:
        query = query | slice_query(one)
    return query


def readings_beside(
    main: Reading, state: ReadState | None, options: Options, new_fields: Query | None
) -> tuple[list[Reading], tuple[Interval, ...]]:
    """Readings of rows that the main one does not bring, and the slice that one of them fills."""
    readings: list[Reading] = []
    if main.kind in ("full", "whole") or state is None:
        return readings, ()
    slice_ = backfill(state, options)
    if slice_ is not None:
        readings.append(Reading("slice", slice_query(slice_)))
    if new_fields is not None:
        part = held_query(state)
        readings.append(Reading("new fields", new_fields if part is None else part & new_fields))
    return readings, () if slice_ is None else (slice_,)


def next_mode(entity: EntityPlan, *, named_ids: bool) -> ReadMode:
    """How an entity type can be kept current after it was read in full."""
    if named_ids:
        return "whole"
    if has_last_modified(entity):
        return "changes"
    return "ids" if entity.name in GROWING else "whole"


def next_intervals(
    known: ReadState | None, options: Options, cursor: datetime, slices: tuple[Interval, ...]
) -> tuple[Interval, ...]:
    """What is held after the newest slice was read up to `cursor`, and the slices beside it."""
    if known is None:
        return (Interval(options.since, cursor),)
    if options.full:
        return (Interval(None, cursor),)
    newest = Interval(known.cursor, max(cursor, known.cursor))
    return merge_intervals([*known.intervals, newest, *slices])


def new_field_query(fields: Sequence[Field]) -> Query | None:
    """The rows with a value in any of some new fields; None when one cannot be selected by."""
    query: Query | None = None
    for one in fields:
        if not one.filterable or one.field_type == "object":
            return None
        name = field(one.name)
        filled = ~(name.is_empty() if one.is_reference else name.is_null())
        query = filled if query is None else query | filled
    return query


def has_last_modified(entity: EntityPlan) -> bool:
    """Whether metadata offers `last_modified` to select by."""
    return any(one.name == CHANGED and one.filterable for one in entity.scalars)
