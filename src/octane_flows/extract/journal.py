"""What an unfinished extract has done: entity types, and parts of large ones.

Results and parts in, results and parts out: a rerun after a kill takes them over and reads again
only what was under way. The files lie in the lake already; nothing names them until they are
published.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from octane_flows.errors import LakeError
from octane_flows.extract.read import ReadCount
from octane_flows.lake import FileEntry, Lake, ReadState
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.lake.storage import disk_errors

JOURNAL = "extract.journal"
Key = tuple[str, str]  # workspace, entity type
Files = dict[str, list[FileEntry]]  # by table
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
    files: Files = field(default_factory=dict)
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
                "files": _files(body["files"]),
                "notes": tuple(body["notes"]),
                "lists": tuple((one[0], one[1]) for one in body["lists"]),
                "fields": tuple(body["fields"]),
            }
        )


@dataclass(frozen=True)
class Part:
    """What the readings of an entity type under way have brought, closed files and all.

    `asked` are those readings; of the last one, `rows` rows up to the id `up_to` are held. `as_of`
    is the server's time when the first began: changes after it are still to be read.
    """

    workspace: str
    entity: str
    fields: tuple[str, ...]
    as_of: datetime
    asked: tuple[str, ...]
    up_to: int
    rows: int
    count: ReadCount
    extra: ReadCount
    new_rows: int
    files: Files
    recent: dict[str, str]
    last_id: int | None
    roots: tuple[str, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {"part": {**asdict(self), "as_of": self.as_of.isoformat()}}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Part:
        """Read back what `to_json` gave."""
        part = body["part"]
        return cls(
            **{
                **part,
                **{name: tuple(part[name]) for name in ("fields", "asked", "roots", "notes")},
                **{name: ReadCount(**part[name]) for name in ("count", "extra")},
                "as_of": datetime.fromisoformat(part["as_of"]),
                "files": _files(part["files"]),
            }
        )


def _files(body: dict[str, list[dict[str, Any]]]) -> Files:
    return {name: [FileEntry(**one) for one in files] for name, files in body.items()}


class Journal:
    """The journal of the generation that is being made; belongs to the holder of the lock."""

    def __init__(self, home: Path, lake: Lake) -> None:
        self._path = home / JOURNAL
        self._lake = lake
        self.parts: dict[Key, Part] = {}  # that `resume` found, of types without a result

    def resume(self, generation: int, published: int, fingerprint: str) -> dict[Key, Result]:
        """What a stopped extract of the same kind left for a generation after the published one.

        Anything else is dropped.
        """
        results: dict[Key, Result] = {}
        now = datetime.now(UTC)
        began = now
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
            head = json.loads(lines[0])
            found = datetime.fromisoformat(head["began"])
            usable = head["generation"] > published and head["fingerprint"] == fingerprint
            usable = usable and now - found < RESUME_FOR
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            lines, usable = [], False
        for line in lines[1:] if usable else []:
            try:
                body = json.loads(line)
                one = Part.from_json(body) if "part" in body else Result.from_json(body)
            except (ValueError, KeyError, TypeError):
                break  # the last line of a kill
            if not self._is_whole(one):
                continue
            began = found
            key = (one.workspace, one.entity)
            if isinstance(one, Part):
                self.parts[key] = one
            else:
                results[key] = one
                self.parts.pop(key, None)
        self._start(generation, fingerprint, began, [*results.values(), *self.parts.values()])
        self._sweep(generation, [*results.values(), *self.parts.values()])
        return results

    def append(self, done: Result | Part) -> None:
        """Write down one result, or a part of one; it is on the disk when this returns."""
        with disk_errors(self._path, "write"), self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(done.to_json(), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def finish(self) -> None:
        """Drop the journal: its work is published."""
        self._path.unlink(missing_ok=True)

    def _start(
        self, generation: int, fingerprint: str, began: datetime, done: Sequence[Result | Part]
    ) -> None:
        head = {
            "generation": generation,
            "fingerprint": fingerprint,
            "began": began.isoformat(),
        }
        lines = [head, *(one.to_json() for one in done)]
        aside = self._path.with_name(f".{JOURNAL}.{os.getpid()}")
        with disk_errors(self._path, "write"):
            with aside.open("w", encoding="utf-8") as stream:
                for line in lines:
                    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(self._path)

    def _is_whole(self, done: Result | Part) -> bool:
        return all(self._is_there(one) for files in done.files.values() for one in files)

    def _is_there(self, file: FileEntry) -> bool:
        try:
            path = self._lake.resolve(file)
        except LakeError:  # a bucket lacks it, or has something else there
            return False
        return path.is_file() and path.stat().st_size == file.bytes

    def _sweep(self, generation: int, kept_work: Sequence[Result | Part]) -> None:
        """Delete files of this unpublished generation that no line names."""
        kept = {
            self._lake.resolve(one)
            for done in kept_work
            for files in done.files.values()
            for one in files
        }
        for path in (self._lake.folder / "data").glob(f"*/*/{generation:06d}-*"):
            if path not in kept:
                path.unlink(missing_ok=True)
