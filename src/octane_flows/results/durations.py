"""Durations as result files write them: texts in many spellings to milliseconds.

The text of a duration in, milliseconds or None out. One `DurationReader` serves one file, because
only the other durations of a file can tell whether `1,250` has a decimal comma.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from octane_flows.results.file_notes import FileNotes
from octane_flows.results.test_result import Result

#: Longer durations are mistakes; Octane's numbers have 64 bits, and a greater one ends a document.
LONGEST_MS = 10 * 366 * 86_400_000.0
_UNITS_MS = {
    "ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1000.0, "sec": 1000.0,
    "secs": 1000.0, "second": 1000.0, "seconds": 1000.0, "m": 60_000.0, "min": 60_000.0,
    "h": 3_600_000.0,
}  # fmt: skip
_NUMBER = re.compile(r"([+-]?(?:\d[\d.,]*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([a-zµμ]*)")
_CLOCK = re.compile(r"(-?)(?:(\d{1,9})\.)?(\d{1,3}):(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)")
# marks that only group digits: apostrophes, spaces of all widths, underscores
_GROUPING = re.compile(r"(?<=\d)['\u2019\u02bc\s\u00a0\u202f\u2009_](?=\d)")
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


class DurationReader:
    """Reads the durations of one file and settles the ambiguous ones at its end."""

    def __init__(self, notes: FileNotes, *, decimal_comma: bool = False) -> None:
        self._notes = notes
        self._points = 0
        self._commas = 1 if decimal_comma else 0
        self._ambiguous: dict[int, float] = {}  # index of the result -> its text as grouped digits

    def read(
        self, text: str | None, index: int = -1, line: int | None = None, unit_ms: float = 1000.0
    ) -> float | None:
        """Milliseconds of `text`, whose bare number counts units of `unit_ms` milliseconds.

        `index` is the place of the result in its file, where an ambiguous value is set later.
        """
        if text is None or not (stripped := text.strip()):
            return None
        clock = _CLOCK.fullmatch(stripped)
        if clock is not None:
            sign, days, hours, minutes, seconds = clock.groups()
            whole = (int(days or 0) * 24 + int(hours)) * 3600 + int(minutes) * 60
            return self._checked(
                (whole + float(seconds.replace(",", "."))) * 1000, sign, text, line
            )
        number = _NUMBER.fullmatch(_GROUPING.sub("", stripped).replace("\u00a0", " "))
        if number is None or (number[2] and number[2].lower() not in _UNITS_MS):
            self._notes.add("repaired", f"the duration {_short(text)} is no number; unknown", line)
            return None
        factor = _UNITS_MS[number[2].lower()] if number[2] else unit_ms
        if _AMBIGUOUS.fullmatch(number[1]):
            if index >= 0:
                self._ambiguous[index] = float(number[1].replace(",", "")) * factor
            self._notes.add(
                "unclear",
                f"the duration {_short(text)} can have a decimal comma or grouped digits",
                line,
            )
            return float(number[1].replace(",", ".")) * factor
        try:
            value = float(self._plain(number[1])) * factor
        except ValueError:
            self._notes.add("repaired", f"the duration {_short(text)} is no number; unknown", line)
            return None
        return self._checked(value, "-" if value < 0 else "", text, line)

    def settle(self, results: list[Result]) -> None:
        """Set ambiguous durations as the file's other durations are written.

        Without such evidence the comma is a decimal one: tests that last twenty minutes to the
        exact second are rarer than tests that last a second and some milliseconds.
        """
        if self._points > self._commas:
            for index, grouped in self._ambiguous.items():
                if index < len(results):
                    results[index] = replace(results[index], duration_ms=grouped)

    def _plain(self, number: str) -> str:
        comma, point = number.rfind(","), number.rfind(".")
        if comma >= 0 and point >= 0:  # the last mark is the decimal one
            decimal, other = (",", ".") if comma > point else (".", ",")
            self._count(decimal)
            return number.replace(other, "").replace(decimal, ".")
        mark = "," if comma >= 0 else "."
        if number.count(mark) > 1:
            return number.replace(mark, "")
        if comma >= 0 or point >= 0:
            self._count(mark)
        return number.replace(",", ".")

    def _count(self, mark: str) -> None:
        if mark == ",":
            self._commas += 1
        else:
            self._points += 1

    def _checked(self, value: float, sign: str, text: str, line: int | None) -> float | None:
        if sign or value < 0:
            self._notes.add("repaired", f"the duration {_short(text)} is negative; unknown", line)
            return None
        if math.isfinite(value) and value > LONGEST_MS:
            self._notes.add("repaired", f"the duration {_short(text)} is too long; unknown", line)
            return None
        if not math.isfinite(value):
            self._notes.add("repaired", f"the duration {_short(text)} is no number; unknown", line)
            return None
        return value


def from_number(value: object, factor: float) -> float | None:
    """A duration of a JSON file times `factor`; None for what is no number of ten years at most."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value) * factor
    except OverflowError:
        return None
    return number if 0 <= number <= LONGEST_MS else None


def _short(text: str) -> str:
    return f"'{text[:40]}'"
