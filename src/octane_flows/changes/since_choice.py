"""The two moments of a comparison, from words such as `yesterday` or `release 2.9`.

Texts in, moments (UTC, without a zone) out; the command `changes` and letters call it.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from octane_flows.changes.report_times import report_moments
from octane_flows.errors import UsageError
from octane_flows.lake import Lake

MOMENTS = (
    "generation N, a date such as 2021-01-20 (its end) or a time in UTC such as 2021-01-20T21:00"
)
CHOICES = f"yesterday, {MOMENTS.replace(' or', ',')}, release, release NAME or last-report"


@dataclass(frozen=True)
class ChangePeriod:
    """From when to when, and the words for the first moment."""

    since: datetime
    until: datetime
    since_text: str


def chosen_moments(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    home: Path,
    zone: ZoneInfo,
    since: str,
    until: str | None = None,
) -> ChangePeriod:
    """The moments that two texts mean; without `until`, the end is the warehouse's. UsageError."""
    as_of: datetime = connection.execute("select as_of from meta.generation").fetchall()[0][0]
    end = as_of if until is None else _moment("--until", until, lake, zone)[0]
    if end > as_of:
        raise UsageError(
            f"--until {until} is later than what the warehouse knows ({as_of:%Y-%m-%d %H:%M} UTC); "
            "leave it out, or run octane-flows run first."
        )
    text = since.strip()
    word, _, rest = text.partition(" ")
    if text.lower() == "yesterday":
        start, words = end - timedelta(days=1), "yesterday (24 hours before)"
    elif text.lower() == "last-report":
        start, words = _last_report(home, end), "the last report"
    elif word.lower() == "release":
        start, words = _release_start(connection, rest.strip(), end)
    else:
        start, words = _moment("--since", text, lake, zone)
    if start >= end:
        raise UsageError(
            f"--since {since} is {start:%Y-%m-%d %H:%M} UTC, which is not before the end of the "
            f"comparison ({end:%Y-%m-%d %H:%M} UTC); name an earlier moment."
        )
    return ChangePeriod(start, end, words)


def _moment(option: str, text: str, lake: Lake, zone: ZoneInfo) -> tuple[datetime, str]:
    match = re.fullmatch(r"(?:generation\s+)?(\d{1,7})", text.strip(), re.IGNORECASE)
    if match:
        manifest = lake.as_of(int(match[1]))
        return _naive(manifest.as_of), f"generation {match[1]}"
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        try:
            return _naive(datetime.fromisoformat(text.strip())), text.strip()
        except (ValueError, OverflowError):
            raise _no_moment(option, text) from None
    try:
        end_of_day = datetime.combine(day, time(), zone) + timedelta(days=1, microseconds=-1)
        return _naive(end_of_day), f"the end of {day.isoformat()}"
    except OverflowError:  # the first or last day of the calendar, in another zone
        raise _no_moment(option, text) from None


def _no_moment(option: str, text: str) -> UsageError:
    if option == "--until":
        return UsageError(f"{option} {text!r} is no moment; write {MOMENTS}.")
    return UsageError(f"{option} {text!r} is no moment{_nearest(text)}; write {CHOICES}.")


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _nearest(text: str) -> str:
    if text.strip().lower().startswith("generation "):
        return ", as a generation has a number"
    words = ("yesterday", "generation", "release", "last-report")
    matches = difflib.get_close_matches(text.strip().lower().partition(" ")[0], words, n=1)
    return f" (did you mean {matches[0]}?)" if matches else ""


def _last_report(home: Path, end: datetime) -> datetime:
    earlier = [moment for moment in report_moments(home) if moment < end]
    if not earlier:
        raise UsageError(
            "No report of an earlier moment was written yet, so there is nothing to compare with; "
            "write one with octane-flows report, and name another moment until the data is newer: "
            f"{CHOICES}."
        )
    return earlier[-1]


def _release_start(
    connection: duckdb.DuckDBPyConnection, name: str, end: datetime
) -> tuple[datetime, str]:
    rows: list[tuple[str, datetime, datetime | None]] = connection.execute(
        "select release_name, start_at, end_at from er.releases as releases "
        "where start_at is not null order by start_at desc, release_id"
    ).fetchall()
    if name:
        named = [row for row in rows if row[0].casefold() == name.casefold()]
        if not named:
            release_names = [row[0] for row in rows]
            near = difflib.get_close_matches(name, release_names, n=1, cutoff=0.4)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(
                f"There is no release '{name}' with a start date{hint}; those with one: "
                f"{', '.join(release_names) or 'none'}."
            )
        return named[0][1], f"the start of {named[0][0]}"
    current = [row for row in rows if row[1] < end and (row[2] is None or end <= row[2])]
    if not current:
        raise UsageError(
            f"No release is under way at {end:%Y-%m-%d %H:%M} UTC; name one: --since 'release "
            "NAME', or another moment."
        )
    return current[0][1], f"the start of {current[0][0]}"
