"""The notes of one file while it is read: equal ones are counted, with the line of the first.

Readers call `add`; `collect_notes` gives the records that are shown and returned.
"""

from __future__ import annotations

from octane_flows.results.test_result import Note, NoteKind


class FileNotes:
    """Collects what is worth saying about one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._counted: dict[tuple[NoteKind, str], tuple[int | None, int]] = {}

    def add(self, kind: NoteKind, text: str, line: int | None = None, count: int = 1) -> None:
        """Note something; the same text again only raises its count."""
        first_line, before = self._counted.get((kind, text), (line, 0))
        self._counted[kind, text] = (first_line, before + count)

    def collect(self) -> list[Note]:
        """All notes in the order in which they came first."""
        return [
            Note(kind, text, self.file, line, count)
            for (kind, text), (line, count) in self._counted.items()
        ]
