"""Windows of time in which the change history is read, newest first.

A window and what the server answered for it come in; the records that are certain and the windows
that are left go out. Pure; `history_pages` sends the requests. One query gives at most 10,000
records, so a window with more is read on from its oldest second, or halved where that is not
possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from octane_flows.client import Query, field

SECOND = timedelta(seconds=1)
FIRST_MOMENT = datetime(2010, 1, 1, tzinfo=UTC)  # no Octane server is as old


@dataclass(frozen=True)
class Window:
    """Whole seconds: start <= timestamp < end; None: without that bound."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def query(self) -> Query | None:
        """Selects the records of the window.

        A server may keep fractions of a second that it does not show, so a window ends before a
        whole second.
        """
        query = field("timestamp").ge(self.start) if self.start is not None else None
        if self.end is None:
            return query
        before = field("timestamp").lt(self.end)
        return before if query is None else query & before

    @property
    def is_second(self) -> bool:
        """Whether it cannot be narrowed any more."""
        return self.start is not None and self.end is not None and self.end - self.start <= SECOND

    def has(self, moment: datetime) -> bool:
        """Whether the window contains a moment."""
        return (self.start is None or self.start <= moment) and (
            self.end is None or moment < self.end
        )

    def halves(self, newest: datetime) -> tuple[Window, Window]:
        """The newer and the older half; `newest` bounds a window that has no end."""
        start = self.start or FIRST_MOMENT
        end = self.end or whole_second(newest) + timedelta(days=1)
        middle = whole_second(start + (end - start) / 2)
        middle = max(middle, start + SECOND)
        return Window(middle, self.end), Window(self.start, middle)


@dataclass(frozen=True)
class Taken:
    """Whether each record of an answer is taken, and the windows that are left, newest first.

    `must_page`: the window is one second with more records than an answer has; it is read by
    offset.
    """

    is_taken: tuple[bool, ...]
    left: tuple[Window, ...] = ()
    must_page: bool = False


def whole_second(moment: datetime) -> datetime:
    """The moment without fractions of a second."""
    return moment.replace(microsecond=0)


def take(window: Window, moments: Sequence[datetime], *, is_whole: bool, newest: datetime) -> Taken:
    """What an answer with records of these moments settles of a window.

    `is_whole`: the answer has all records of the window. Otherwise the records of its oldest
    second may be cut off, and they are read again.
    """
    inside = tuple(window.has(moment) for moment in moments)
    if is_whole:
        return Taken(inside)
    nothing = (False,) * len(moments)
    if window.is_second:
        return Taken(nothing, must_page=True)
    is_ordered = all(later >= earlier for later, earlier in pairwise(moments))
    if not moments or not is_ordered:
        return Taken(nothing, window.halves(newest))
    border = whole_second(moments[-1]) + SECOND
    older = Window(window.start, border)
    is_taken = tuple(
        is_in and moment >= border for is_in, moment in zip(inside, moments, strict=True)
    )
    if any(is_taken):
        return Taken(is_taken, _not_empty(older))
    # one second fills the whole answer
    later = () if window.end == border else (Window(border, window.end),)
    second, before = Window(border - SECOND, border), Window(window.start, border - SECOND)
    return Taken(nothing, (*later, second, *_not_empty(before)))


def _not_empty(window: Window) -> tuple[Window, ...]:
    if window.start is not None and window.end is not None and window.start >= window.end:
        return ()
    return (window,)
