"""What the readers of all formats share: one file's results, notes and durations while it is read.

A reader gets a `ResultCollector`, calls `add` for each result and `leave_out` for what it cannot
send; `read_results` turns the collector into a `FileReading`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from octane_flows.results.durations import DurationReader
from octane_flows.results.file_notes import FileNotes
from octane_flows.results.start_times import parse_start
from octane_flows.results.test_result import Result, StartSource

Undefined = Literal["failed", "skipped"]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the caller may choose: how undefined, ambiguous and pending steps count."""

    undefined: Undefined = "failed"


class ResultCollector:
    """The results of one file; `repeats_are_retries` says what equal names in it mean."""

    def __init__(self, file: str, options: ReadOptions, *, decimal_comma: bool = False) -> None:
        self.file, self.options = file, options
        self.notes = FileNotes(file)
        self.durations = DurationReader(self.notes, decimal_comma=decimal_comma)
        self.results: list[Result] = []
        self.repeats_are_retries = False
        self.framework: str | None = None

    def add(self, result: Result) -> None:
        """Take a result; one without a name is left out, because Octane finds tests by name."""
        if not result.name.strip():
            self.leave_out("a test has no name", result.line)
            return
        self.results.append(replace(result, file=self.file))

    def leave_out(self, text: str, line: int | None = None) -> None:
        """Note what is not sent."""
        self.notes.add("left_out", text, line)

    def duration(self, text: str | None, line: int | None = None) -> float | None:
        """The duration of the result that is added next, from a text in seconds."""
        return self.durations.read(text, len(self.results), line)

    def start(
        self, text: str | None, suite_start: int | None = None, line: int | None = None
    ) -> tuple[int | None, StartSource]:
        """When a test began: its own time, else its suite's."""
        own = parse_start(text, self.notes, line)
        if own is not None:
            return own, "result"
        return suite_start, "unknown" if suite_start is None else "suite"
