"""Quiet hours: times of the week in which a site allows no extract, in the site's time zone. Pure.

A text such as `mon-fri 08:00-18:00, sat 09:00-12:00` in, a record that knows their end out;
`settings` parses it, and the client's limits use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from octane_flows.config.setting_texts import SettingTexts
from octane_flows.errors import UsageError

__all__ = ["QuietHours", "quiet_hours", "time_zone"]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN: Final = re.compile(r"(?:(\w{3})(?:-(\w{3}))? +)?(\d\d):(\d\d)-(\d\d):(\d\d)")
LONGEST: Final = timedelta(days=7)


@dataclass(frozen=True)
class Span:
    """From `start` on the given weekdays (0 is Monday) for `length`; it may pass midnight."""

    weekdays: frozenset[int]
    start: time
    length: timedelta

    def end(self, local: datetime) -> datetime | None:
        """When the span that contains a local time ends; None when no span contains it."""
        for day in (local.date(), local.date() - timedelta(days=1)):
            start = datetime.combine(day, self.start)
            if day.weekday() in self.weekdays and start <= local < start + self.length:
                return start + self.length
        return None


@dataclass(frozen=True)
class QuietHours:
    """The spans of a week, as the user wrote them in `text`."""

    text: str
    zone: ZoneInfo
    spans: tuple[Span, ...]

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours at `now` end, in the site's zone; None: no quiet hours at `now`."""
        local = now.astimezone(self.zone).replace(tzinfo=None)
        last = local
        while last - local < LONGEST:
            ends = [end for span in self.spans if (end := span.end(last)) is not None]
            if not ends:
                break
            last = max(ends)
        return None if last == local else last.replace(tzinfo=self.zone)

    def __str__(self) -> str:
        return f"{self.text} {self.zone.key}"


def quiet_hours(texts: SettingTexts) -> QuietHours | None:
    """The quiet hours that are set, in the zone that is set (UTC unless given)."""
    zone = time_zone(texts)
    text = texts.get("quiet_hours")
    if text is None:
        return None
    spans = []
    for part in text.lower().split(","):
        span = _span(part.strip())
        if span is None:
            raise UsageError(
                f"{texts.label('quiet_hours')} has {part.strip()!r}, which is not a time of the "
                "week; write it such as mon-fri 08:00-18:00, sat 22:00-06:00."
            )
        spans.append(span)
    quiet = QuietHours(text, zone, tuple(spans))
    monday = datetime.combine(date(2024, 1, 1), time(), zone)
    end = quiet.until(monday)
    if end is not None and end - monday >= LONGEST:
        raise UsageError(
            f"{texts.label('quiet_hours')} covers the whole week, so no extract could ever run; "
            "leave some hours free."
        )
    return quiet


def _span(text: str) -> Span | None:
    match = SPAN.fullmatch(text)
    if match is None:
        return None
    first, last = match[1] or "mon", match[2] or match[1] or "sun"
    if first not in DAYS or last not in DAYS:
        return None
    low, high = DAYS.index(first), DAYS.index(last)
    days = range(low, high + 1) if low <= high else [*range(low, 7), *range(high + 1)]
    hours = [int(match[3]), int(match[5])]
    minutes = [int(match[4]), int(match[6])]
    start, end = (timedelta(hours=h, minutes=m) for h, m in zip(hours, minutes, strict=True))
    whole_day = timedelta(days=1)
    if start >= whole_day or end > whole_day or max(minutes) > 59 or start == end:
        return None
    length = end - start if end > start else end - start + whole_day
    return Span(frozenset(days), time(hours[0], minutes[0]), length)


def time_zone(texts: SettingTexts) -> ZoneInfo:
    """The zone that is set, UTC unless given. Raises UsageError."""
    name = texts.get("time_zone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"{texts.label('time_zone')} is {name}, which is not a time zone of this machine; "
            "give a name such as Europe/Berlin or UTC."
        ) from None
