"""Records of test results as the tools' files tell them: results, attempts, scenarios, notes.

The readers of the formats make them, `fold_results` joins those of one test, and `actions` writes
Octane's document from them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["Passed", "Failed", "Skipped"]
#: `repaired`: sent after a repair; `left_out`: not sent; `unclear`: sent, but read one of two ways;
#: `folded`: several results became one; `ignored`: a file of a folder that holds no results.
NoteKind = Literal["repaired", "left_out", "unclear", "folded", "ignored"]
StartSource = Literal["result", "suite", "build", "file", "unknown"]


@dataclass(frozen=True, slots=True)
class ErrorText:
    """Why a test failed or was skipped, in the words of its tool."""

    type: str | None = None
    message: str | None = None
    details: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a test that was run again; `duration_ms` is None where the file tells none."""

    status: Status
    duration_ms: float | None = None
    error: ErrorText | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step or hook of a scenario; `word` is the status as the tool writes it."""

    name: str
    status: Literal["passed", "failed", "skipped"]
    duration_ms: float | None = None
    error: str | None = None
    word: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A Gherkin scenario and the feature that it belongs to; `outline_index` counts from 1."""

    feature: str
    path: str
    name: str
    steps: tuple[Step, ...]
    feature_tags: tuple[str, ...] = ()
    outline_index: int | None = None
    script: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One result of one test in one environment.

    `class_name` is the full name (package, module or suite included) as the file has it, `variant`
    the parameters or the instance, `environment` a project or browser, empty where there is none.
    Times are UTC in milliseconds since 1970, durations milliseconds; None means unknown.
    `attempts` holds all attempts in their order, and is empty for a test that ran once.
    """

    name: str
    status: Status
    class_name: str = ""
    variant: str = ""
    environment: str = ""
    started_ms: int | None = None
    started_from: StartSource = "unknown"
    duration_ms: float | None = None
    error: ErrorText | None = None
    attempts: tuple[Attempt, ...] = ()
    folded_count: int = 1
    owner: str | None = None
    tags: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    attachments: tuple[str, ...] = ()
    file: str = ""
    line: int | None = None
    scenario: Scenario | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells this test from others: class or feature path, name, environment."""
        return self.class_name, self.name, self.environment

    @property
    def is_flaky(self) -> bool:
        """Whether it passed in the end after an attempt that failed."""
        return self.status == "Passed" and any(each.status == "Failed" for each in self.attempts)


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader repaired, left out or could not decide; `count` is how often it happened."""

    kind: NoteKind
    text: str
    file: str
    line: int | None = None
    count: int = 1

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        times = "" if self.count == 1 else f" ({self.count} times, the first one here)"
        return f"{where}: {self.text}{times}"


@dataclass(slots=True)
class FileReading:
    """One file: its format, results and notes; `refusal` says why none of it was taken."""

    file: str
    format: str | None = None
    framework: str | None = None
    results: list[Result] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refusal: str | None = None

    @property
    def counts(self) -> Counter[str]:
        """Results by status."""
        return Counter(result.status for result in self.results)

    def count(self, kind: NoteKind) -> int:
        """How many notes of a kind there are, repeated ones counted."""
        return sum(note.count for note in self.notes if note.kind == kind)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the file was left out."""
        return self.refusal is None and self.count("left_out") == 0


@dataclass(frozen=True, slots=True)
class Reading:
    """All files of one call: each one's reading, and the results after folding."""

    files: tuple[FileReading, ...]
    results: tuple[Result, ...]

    @property
    def counts(self) -> Counter[str]:
        """Results after folding, by status."""
        return Counter(result.status for result in self.results)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of any file was left out."""
        return all(file.is_whole for file in self.files)


class ResultFileError(ValueError):
    """A file that cannot be read as results; the text says why and what helps."""


class UnknownFormatError(ResultFileError):
    """A file of no format that is read here; in a folder such files are passed over."""
