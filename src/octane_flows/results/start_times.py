"""Times at which tests began: texts in many spellings to milliseconds since 1970, UTC.

The text of a time in, milliseconds or None out; a time without a zone counts as none, because only
the machine that wrote it knows what it means.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from octane_flows.results.file_notes import FileNotes

# Java's short names of zones, as TestNG writes them; of names that mean several zones the most used
_HOURS = {
    "Z": 0, "UTC": 0, "UT": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MET": 1,
    "CEST": 2, "MEST": 2, "EET": 2, "SAST": 2, "EEST": 3, "IDT": 3, "MSK": 3, "TRT": 3, "AST": -4,
    "GST": 4, "PKT": 5, "IST": 5.5, "NPT": 5.75, "BDT": 6, "ICT": 7, "WIB": 7, "CCT": 8, "HKT": 8,
    "SGT": 8, "PHT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "ACDT": 10.5,
    "AEDT": 11, "NZST": 12, "NZDT": 13, "BRT": -3, "ART": -3, "NST": -3.5, "NDT": -2.5, "ADT": -3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(.*)", re.ASCII | re.DOTALL
)
_OFFSET = re.compile(r"(?:GMT|UTC|UT)?\s*([+-])(\d{1,2}):?(\d\d)?", re.ASCII)
_EARLIEST_YEAR = 1990  # tools write 1970 and 0001 for tests that never began
_LATEST_YEAR = 2200
_LATEST_MS = 7_258_118_400_000  # 2200
_SECOND_MS = 1000


def parse_start(text: str | None, notes: FileNotes, line: int | None = None) -> int | None:
    """Milliseconds since 1970 of a time with a zone; None, with a note, for what cannot be read."""
    if text is None or not (stripped := text.strip()):
        return None
    if stripped.isascii() and stripped.isdecimal() and len(stripped) in (10, 13):
        return int(stripped) * (_SECOND_MS if len(stripped) == 10 else 1)
    match = _TIME.fullmatch(stripped)
    if match is None:
        notes.add("unclear", f"the time '{stripped[:40]}' cannot be read; unknown", line)
        return None
    date, clock, fraction, zone_text = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}")
    except ValueError:
        notes.add("unclear", f"the time '{stripped[:40]}' cannot be read; unknown", line)
        return None
    if not _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR or not zone_text:
        return None
    zone = parse_zone(zone_text)
    if zone is None:
        notes.add("unclear", f"the time zone '{zone_text[:40]}' is not known; start unknown", line)
        return None
    moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp()) * _SECOND_MS + int((fraction or "0")[:3].ljust(3, "0"))


def start_from_number(value: object) -> int | None:
    """Milliseconds since 1970 of a JSON file; None for what is no moment of this age."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 < value < _LATEST_MS else None


def parse_zone(text: str) -> timezone | ZoneInfo | None:
    """The zone of `CET`, `GMT+05:30`, `+0100` or `Europe/Berlin`; None for other texts."""
    name = text.strip()
    if (hours := _HOURS.get(name.upper())) is not None:
        return timezone(timedelta(hours=hours))
    if (match := _OFFSET.fullmatch(name)) is not None:
        sign = -1 if match[1] == "-" else 1
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(sign * offset) if offset < timedelta(hours=24) else None
    if "/" in name:
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            return None
    return None
