"""Resuming: what an unfinished extract has done, entity types and parts of large ones.

Results and parts come in, results and parts go out. A rerun after a kill takes them over and reads
again only what was in progress. Each workspace has a journal of its own, as it has a lock. The data
files lie in the lake already; no generation names them before they are published. `entity_types`
opens the journal; `entity_reading`, `link_sweep`, `link_owners` and `script_reader` append to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from octane_flows.client import field as column
from octane_flows.errors import LakeError
from octane_flows.extract.cursor import Reading
from octane_flows.extract.entity_result import Files, ReadCount, Result, files_from_json
from octane_flows.extract.extract_plan import EntityPlan, Key
from octane_flows.extract.rejected_values import TakenValues
from octane_flows.lake import FileEntry, Lake, NewestRow, RejectedValue, file_origin
from octane_flows.lake.file_names import file_name
from octane_flows.lake.read_state import newest_row_from_json, newest_row_to_json
from octane_flows.lake.storage import disk_errors
from octane_flows.portable_files import put_in_place

# Older work is not taken over: its rows would be published with a far older time.
RESUME_FOR = timedelta(hours=24)
# Fifty requests of the largest page; each part is a file of its own in each table.
PART_ROWS = 50_000


@dataclass(frozen=True)
class SweepProgress:
    """What a link sweep of `owners` met up to the owner `up_to` (None: it has not begun).

    `unanswered` are owners that no page brought, `unread` are ids on pages that the lake does not
    have; one of each kind would cancel out in a count.
    """

    owners: int
    up_to: int | None = None
    changed: int = 0
    unanswered: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What the readings of an entity type have brought so far, with files that are closed.

    `readings` are those that began; of the last one, `rows` rows up to the id `up_to` are stored.
    `as_of` is the server's time when the first began: changes after it are still to be read.
    `sweep`: all readings are done and the link sweep is in progress.
    """

    workspace: str
    entity: str
    fields: tuple[str, ...]
    as_of: datetime
    readings: tuple[str, ...]
    up_to: int
    rows: int
    files: Files
    main: ReadCount = field(default_factory=ReadCount)
    additional: ReadCount = field(default_factory=ReadCount)
    new_rows: int = 0
    recent: dict[str, str] = field(default_factory=dict)
    last_id: int | None = None
    roots: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sweep: SweepProgress | None = None
    rejected: tuple[RejectedValue, ...] = ()
    taken: tuple[TakenValues, ...] = ()
    newest: NewestRow | None = None
    clock_ahead: timedelta = timedelta(0)

    @property
    def key(self) -> Key:
        """The workspace and the entity type."""
        return self.workspace, self.entity

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        values = {
            "as_of": self.as_of.isoformat(),
            "newest": newest_row_to_json(self.newest),
            "clock_ahead": self.clock_ahead.total_seconds(),
            "rejected": [value.to_json() for value in self.rejected],
        }
        return {"part": {**asdict(self), **values}}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Part:
        """Read back what `to_json` gave."""
        part = body["part"]
        return cls(
            **{
                **part,
                **{name: tuple(part[name]) for name in ("fields", "readings", "roots", "notes")},
                **{name: ReadCount(**part[name]) for name in ("main", "additional")},
                "as_of": datetime.fromisoformat(part["as_of"]),
                "newest": newest_row_from_json(part["newest"]),
                "clock_ahead": timedelta(seconds=part["clock_ahead"]),
                "sweep": _sweep_from_json(part["sweep"]),
                "files": files_from_json(part["files"]),
                "rejected": tuple(map(RejectedValue.from_json, part["rejected"])),
                "taken": tuple(TakenValues(**entry) for entry in part["taken"]),
            }
        )


def _sweep_from_json(body: dict[str, Any] | None) -> SweepProgress | None:
    if body is None:
        return None
    lists = {name: tuple(body[name]) for name in ("unanswered", "unread")}
    return SweepProgress(**{**body, **lists})


class PartCounter:
    """Counts what was read since the last part, and says when the next part is full."""

    def __init__(self) -> None:
        self._count = 0

    def is_full(self, count: int) -> bool:
        """Count rows, or owners whose links were read; whether a part ends with them."""
        self._count += count
        if self._count < PART_ROWS:
            return False
        self._count = 0
        return True


def fitting_part(part: Part | None, entity: EntityPlan, readings: Sequence[Reading]) -> Part | None:
    """The part that a stopped extract left, if it was made with the same fields and readings."""
    if part is None or part.fields != entity.fingerprint:
        return None
    return part if part.readings == reading_names(readings)[: len(part.readings)] else None


def reading_names(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Readings as text, to compare those of two extracts."""
    return tuple(f"{reading.kind}: {reading.query}" for reading in readings)


def remaining_readings(
    readings: Sequence[Reading], part: Part | None
) -> Iterator[tuple[int, Reading]]:
    """What a stopped extract left of the readings, each with its place among them.

    Pages come in the order of their ids, so all rows up to a part's last id are stored.
    """
    if part is None:
        yield from enumerate(readings)
        return
    if part.sweep is not None:
        return
    place = len(part.readings) - 1
    rest = column("id").gt(part.up_to)
    query = readings[place].query
    yield place, replace(readings[place], query=rest if query is None else rest & query)
    for later in range(place + 1, len(readings)):
        yield later, readings[later]


@dataclass(frozen=True)
class _Head:
    """The first line of a journal; it continues from the workspace's stamp `published`."""

    published: int
    fingerprint: str
    began: datetime


class Journal:
    """The journals of the workspaces of one extract, which has their locks.

    `parts` are those that stopped extracts left of entity types without a result.
    """

    def __init__(self, home: Path, lake: Lake) -> None:
        self._home = home
        self._lake = lake
        self._workspaces: tuple[str, ...] = ()
        self._unwritten: dict[str, _Head] = {}  # of journals that have nothing to keep yet
        self.parts: dict[Key, Part] = {}

    def resume(self, published: Mapping[str, int], fingerprint: str) -> dict[Key, Result]:
        """The results that stopped extracts left, and their parts into `parts`.

        Only those of the same options are taken over, and only of workspaces that were not
        published since; all others are deleted. `published` is the stamp of each workspace.
        """
        self._workspaces = tuple(published)
        now = datetime.now(UTC)
        results: dict[Key, Result] = {}
        for workspace, stamp in published.items():
            lines = self._lines(workspace)
            head = _head(lines)
            usable = (
                head is not None
                and head.published == stamp
                and head.fingerprint == fingerprint
                and now - head.began < RESUME_FOR
            )
            workspace_results, parts = self._read(lines[1:] if usable else [])
            done: list[Result | Part] = [*workspace_results.values(), *parts.values()]
            began = head.began if head is not None and done else now
            first = _Head(stamp, fingerprint, began)
            if done:
                self._start(workspace, first, done)
            else:
                self._unwritten[workspace] = first
                if lines:
                    self._path(workspace).unlink(missing_ok=True)
            self._delete_leftovers(workspace, stamp, done)
            results |= workspace_results
            self.parts |= parts
        return results

    def append(self, done: Result | Part) -> None:
        """Add one result, or a part of one; it is on the disk when this returns."""
        head = self._unwritten.pop(done.workspace, None)
        if head is not None:
            self._start(done.workspace, head, [done])
            return
        path = self._path(done.workspace)
        with disk_errors(path, "write"), path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(done.to_json(), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def finish(self) -> None:
        """Delete the journals: their work is published."""
        for workspace in self._workspaces:
            self._path(workspace).unlink(missing_ok=True)

    def _path(self, workspace: str) -> Path:
        return self._home / f"extract-{file_name(workspace)}.journal"

    def _lines(self, workspace: str) -> list[str]:
        try:
            return self._path(workspace).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return []

    def _read(self, lines: Sequence[str]) -> tuple[dict[Key, Result], dict[Key, Part]]:
        """The results, and the parts of types without one, whose files are whole."""
        results: dict[Key, Result] = {}
        parts: dict[Key, Part] = {}
        for line in lines:
            try:
                body = json.loads(line)
                done = Part.from_json(body) if "part" in body else Result.from_json(body)
            except (ValueError, KeyError, TypeError, RecursionError):
                break  # a kill cut the last line
            if not self._is_whole(done):
                continue
            if isinstance(done, Part):
                parts[done.key] = done
            else:
                results[done.key] = done
                parts.pop(done.key, None)
        return results, parts

    def _start(self, workspace: str, head: _Head, done: Sequence[Result | Part]) -> None:
        first = {**asdict(head), "began": head.began.isoformat()}
        lines = [first, *(entry.to_json() for entry in done)]
        path = self._path(workspace)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        with disk_errors(path, "write"):
            with aside.open("w", encoding="utf-8") as stream:
                for line in lines:
                    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            put_in_place(aside, path)

    def _is_whole(self, done: Result | Part) -> bool:
        return all(self._exists(file) for files in done.files.values() for file in files)

    def _exists(self, file: FileEntry) -> bool:
        try:
            path = self._lake.resolve(file)
        except LakeError:  # the bucket does not have it, or has other content
            return False
        return path.is_file() and path.stat().st_size == file.bytes

    def _delete_leftovers(self, workspace: str, stamp: int, done: Sequence[Result | Part]) -> None:
        """Delete the files that extracts of this workspace left unpublished and no line names."""
        kept = {file.path for entry in done for files in entry.files.values() for file in files}
        for path in (self._lake.folder / "data" / file_name(workspace)).glob("*/*"):
            name = path.relative_to(self._lake.folder).as_posix()
            owner, number = file_origin(name)
            if owner == workspace and number > stamp and name not in kept:
                path.unlink(missing_ok=True)


def _head(lines: Sequence[str]) -> _Head | None:
    try:
        body = json.loads(lines[0])
        return _Head(**{**body, "began": datetime.fromisoformat(body["began"])})
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
