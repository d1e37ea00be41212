"""What an unfinished extract has done: one line for each entity type, on the disk before the next.

Results in, results out: a rerun after a kill takes them over and reads again only what was under
way. The files lie in the lake already, where nothing names them until they are published.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from octane_flows.lake import FileEntry, Lake, ReadState
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.lake.storage import disk_errors

JOURNAL = "extract.journal"
# Older work is not taken over: what it read then would be published with a far older time.
RESUME_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Counts:
    """What one entity type cost and brought."""

    total_count: int = 0
    rows_read: int = 0
    pages: int = 0
    bytes_received: int = 0
    rows_written: int = 0
    links_written: int = 0
    rows_held: int | None = None
    server_count_start: int | None = None
    server_count_end: int | None = None


@dataclass(frozen=True)
class Result:
    """What an extract did with one entity type of one workspace.

    `replaces`: the files take the place of all former ones. `lists`: roots that came or went, with
    their change. `fields` is what was asked for: another plan cannot use the result.
    """

    workspace: str
    entity: str
    kind: str
    state: ReadState
    counts: Counts
    files: dict[str, list[FileEntry]] = field(default_factory=dict)
    replaces: bool = False
    notes: tuple[str, ...] = ()
    lists: tuple[tuple[str, SchemaChangeKind], ...] = ()
    fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {**asdict(self), "state": self.state.to_json()}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Result:
        """Read back what `to_json` gave."""
        return cls(
            **{
                **body,
                "state": ReadState.from_json(body["state"]),
                "counts": Counts(**body["counts"]),
                "files": {
                    name: [FileEntry(**one) for one in files]
                    for name, files in body["files"].items()
                },
                "notes": tuple(body["notes"]),
                "lists": tuple((one[0], one[1]) for one in body["lists"]),
                "fields": tuple(body["fields"]),
            }
        )


class Journal:
    """The journal of the generation that is being made; belongs to the holder of the lock."""

    def __init__(self, home: Path, lake: Lake) -> None:
        self._path = home / JOURNAL
        self._lake = lake

    def resume(
        self, generation: int, published: int, fingerprint: str
    ) -> dict[tuple[str, str], Result]:
        """What a stopped extract of the same kind left for a generation after the published one.

        Anything else is dropped.
        """
        results: dict[tuple[str, str], Result] = {}
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
            head = json.loads(lines[0])
            age = datetime.now(UTC) - datetime.fromisoformat(head["began"])
            usable = head["generation"] > published and head["fingerprint"] == fingerprint
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            lines, usable, age = [], False, timedelta()
        for line in lines[1:] if usable and age < RESUME_FOR else []:
            try:
                result = Result.from_json(json.loads(line))
            except (ValueError, KeyError, TypeError):
                break  # the last line of a kill
            if all(self._is_there(one) for files in result.files.values() for one in files):
                results[result.workspace, result.entity] = result
        self._start(generation, fingerprint, results)
        self._sweep(generation, results)
        return results

    def append(self, result: Result) -> None:
        """Write down one result; it is on the disk when this returns."""
        with disk_errors(self._path, "write"), self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result.to_json(), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def finish(self) -> None:
        """Drop the journal: its work is published."""
        self._path.unlink(missing_ok=True)

    def _start(
        self, generation: int, fingerprint: str, results: dict[tuple[str, str], Result]
    ) -> None:
        head = {
            "generation": generation,
            "fingerprint": fingerprint,
            "began": datetime.now(UTC).isoformat(),
        }
        lines = [head, *(one.to_json() for one in results.values())]
        aside = self._path.with_name(f".{JOURNAL}.{os.getpid()}")
        with disk_errors(self._path, "write"):
            with aside.open("w", encoding="utf-8") as stream:
                for line in lines:
                    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(self._path)

    def _is_there(self, file: FileEntry) -> bool:
        path = self._lake.resolve(file)
        return path.is_file() and path.stat().st_size == file.bytes

    def _sweep(self, generation: int, results: dict[tuple[str, str], Result]) -> None:
        """Delete files of this unpublished generation that no result names."""
        kept = {
            self._lake.resolve(one)
            for result in results.values()
            for files in result.files.values()
            for one in files
        }
        for path in (self._lake.folder / "data").glob(f"*/*/{generation:06d}-*"):
            if path not in kept:
                path.unlink(missing_ok=True)
