"""Which time an extract has, and which earlier cursor is still good; clocks may be wrong.

The server's time, this machine's time and read states come in; the moments of an extract and
findings go out. Pure; `run_extract` makes the moments, `cursor` chooses readings by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from octane_flows.lake import Interval, PastCursor, ReadState

# Two clocks that are kept by NTP differ by far less, and an answer takes its time.
CLOCK_TOLERANCE = timedelta(minutes=2)
MAX_PAST_CURSORS = 8


@dataclass(frozen=True)
class Moments:
    """The times of an extract by the server's clock, in UTC; made once, when it begins.

    `as_of` is the server's time then. `settle` is how far the cursor stays behind it, `overlap` how
    far the next refresh reads back before the cursor. `ahead` is how far `as_of` was ahead of this
    machine's clock, at most zero.
    """

    as_of: datetime
    settle: timedelta
    overlap: timedelta
    ahead: timedelta = timedelta(0)

    @property
    def cursor(self) -> datetime:
        """Every row that changed before it was read; the next refresh goes on from here."""
        return self.as_of - self.settle

    @property
    def next_overlap_start(self) -> datetime:
        """Where the next refresh will begin to read."""
        return self.cursor - self.overlap

    @property
    def tolerance(self) -> timedelta:
        """A change of the server's clock that the overlap makes up for."""
        return max(self.overlap / 2, CLOCK_TOLERANCE)

    def overlap_start(self, previous_cursor: datetime) -> datetime:
        """Where this refresh begins to read.

        The next cursor lies before the previous one when the server's clock was set back a little.
        """
        return min(previous_cursor, self.cursor) - self.overlap

    def was_ahead(self, ahead: timedelta, time: datetime) -> bool:
        """Whether the server's clock was ahead when it gave `time`, compared with now.

        `ahead` is how far it was ahead of this machine's clock then. A clock that stands still, as
        a simulator's may, was not set back.
        """
        if time == self.as_of:
            return False
        return max(time - self.as_of, ahead - self.ahead) > self.tolerance

    def good_cursor(self, state: ReadState) -> datetime | None:
        """The newest cursor of an entity type that was not set by a clock ahead, if there is one.

        A cursor that lies in the future hides all changes up to it.
        """
        if not self.was_ahead(state.clock_ahead, state.cursor + self.settle):
            return state.cursor
        for past in reversed(state.past_cursors):
            if not self.was_ahead(past.clock_ahead, past.cursor + self.settle):
                return past.cursor
        return None

    def past_cursors(self, state: ReadState | None) -> tuple[PastCursor, ...]:
        """The earlier cursors that a later extract needs if the clock is ahead now."""
        if state is None:
            return ()
        cursors = (*state.past_cursors, PastCursor(state.cursor, state.clock_ahead))
        limit = self.ahead - self.tolerance
        behind = [past for past in cursors if past.clock_ahead < limit]
        return tuple(behind[-MAX_PAST_CURSORS:])

    def not_after(self, as_of: datetime) -> Moments:
        """The moments of rows that a stopped extract read: they are as old as its beginning."""
        return replace(self, as_of=min(self.as_of, as_of))

    def of_oldest(self, cursors: Iterable[datetime]) -> Moments:
        """The moments of a generation that joins readings with these cursors."""
        return self.not_after(min((cursor + self.settle for cursor in cursors), default=self.as_of))


def make_moments(
    server_time: datetime, machine_time: datetime, settle: timedelta, overlap: timedelta
) -> Moments:
    """The moments of an extract that begins now; never later than this machine's clock."""
    as_of = min(server_time, machine_time.replace(microsecond=0))
    return Moments(as_of, settle, overlap, as_of - machine_time)


def clock_findings(
    began: Moments, ahead: timedelta, lowest: timedelta, highest: timedelta
) -> list[str]:
    """What is odd about the server's clock.

    `ahead` is how far it was ahead of this machine's when the extract began; `lowest` and
    `highest` are those of all answers.
    """
    findings = []
    if ahead > CLOCK_TOLERANCE:
        findings.append(
            f"the server's clock is {_duration(ahead)} ahead of this machine's clock, so the "
            "extract is dated by this machine's clock; set the clock that is wrong"
        )
    if highest - lowest > began.tolerance:
        findings.append(
            f"the server's answers differ by {_duration(highest - lowest)} in their time, so the "
            "extract is dated by the earliest of them; ask the administrator about the server's "
            "clock and caches in between"
        )
    return findings


def earliest_moments(began: Moments, lowest: timedelta) -> Moments:
    """The moments after all answers came: earlier, where the clock was set back meanwhile."""
    back = began.ahead - lowest
    if back <= began.tolerance:
        return began
    return replace(began, as_of=began.as_of - back, ahead=began.ahead - back)


def not_after(state: ReadState, moments: Moments) -> ReadState:
    """The read state with a cursor that is not later than the moments have it."""
    if state.cursor <= moments.cursor:
        return state
    intervals = tuple(
        Interval(interval.start, min(interval.end, moments.cursor))
        for interval in state.intervals
        if interval.start is None or interval.start < moments.cursor
    )
    clock_ahead = min(state.clock_ahead, moments.ahead)
    return replace(state, cursor=moments.cursor, intervals=intervals, clock_ahead=clock_ahead)


def dated_not_after(state: ReadState, as_of: datetime) -> ReadState:
    """The read state in a generation of `as_of`, which may lie before the extract's beginning."""
    census, rejected = state.census, state.rejected
    return replace(
        state,
        census=replace(census, at=min(census.at, as_of)) if census is not None else None,
        rejected=tuple(replace(value, since=min(value.since, as_of)) for value in rejected),
        swept_at=_earlier(state.swept_at, as_of),
        restored_at=_earlier(state.restored_at, as_of),
    )


def _earlier(time: datetime | None, as_of: datetime) -> datetime | None:
    return None if time is None else min(time, as_of)


def set_back_findings(moments: Moments, states: Sequence[ReadState]) -> list[str]:
    """A finding where cursors were set by a clock that was ahead."""
    ahead = [state for state in states if moments.good_cursor(state) != state.cursor]
    if not ahead:
        return []
    newest = max(state.cursor for state in ahead)
    good = [moments.good_cursor(state) for state in ahead]
    starts = [start for start in good if start is not None]
    again = f"from {min(starts):%Y-%m-%d %H:%M} UTC" if len(starts) == len(good) else "in full"
    return [
        f"the server's clock was ahead when its changes were read up to {newest:%Y-%m-%d %H:%M} "
        f"UTC, so {len(ahead)} entity types are read again {again}"
    ]


def _duration(duration: timedelta) -> str:
    seconds = round(duration.total_seconds())
    if seconds >= 172_800:
        return f"{seconds // 86_400:,} days"
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
