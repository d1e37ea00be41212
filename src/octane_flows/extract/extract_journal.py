"""What an unfinished extract has done: entity types, and parts of large ones.

Results and parts in, results and parts out: a rerun after a kill takes them over and reads again
only what was under way. Each workspace has a journal of its own, as it has a lock. The files lie in
the lake already; nothing names them until they are published.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from octane_flows.errors import LakeError
from octane_flows.extract.page_reader import ReadCount
from octane_flows.lake import FileEntry, Lake, ReadState, made_by
from octane_flows.lake.manifest import SchemaChangeKind
from octane_flows.lake.storage import disk_errors

JOURNAL_OF_ALL = "extract.journal"  # as it was before workspaces had their own
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
    their change. `fields` is what was asked for: another plan cannot use the result. `touched_to`:
    of the owners up to this id the touched link sets were read too.
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
    touched_to: int | None = None

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
class Swept:
    """What a link sweep of `owners` met up to one of them (None: it has not begun).

    `missing` are owners that no page brought, `unknown` ids on pages that are not held: one of each
    hide each other from a count.
    """

    owners: int
    up_to: int | None = None
    changed: int = 0
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What the readings of an entity type under way have brought, closed files and all.

    `asked` are those readings; of the last one, `rows` rows up to the id `up_to` are held. `as_of`
    is the server's time when the first began: changes after it are still to be read. `swept`: all
    readings are done and the link sweep is under way.
    """

    workspace: str
    entity: str
    fields: tuple[str, ...]
    as_of: datetime
    asked: tuple[str, ...]
    up_to: int
    rows: int
    files: Files
    count: ReadCount = field(default_factory=ReadCount)
    extra: ReadCount = field(default_factory=ReadCount)
    new_rows: int = 0
    recent: dict[str, str] = field(default_factory=dict)
    last_id: int | None = None
    roots: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    swept: Swept | None = None

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
                "swept": _swept(part.get("swept")),
                "files": _files(part["files"]),
            }
        )


def _swept(body: dict[str, Any] | None) -> Swept | None:
    if body is None:
        return None
    return Swept(**{**body, **{name: tuple(body[name]) for name in ("missing", "unknown")}})


def _files(body: dict[str, list[dict[str, Any]]]) -> Files:
    return {name: [FileEntry(**one) for one in files] for name, files in body.items()}


@dataclass(frozen=True)
class _Head:
    """The first line of a journal; `published` is the workspace's stamp that it goes on from."""

    published: int
    fingerprint: str
    began: datetime


class Journal:
    """The journals of the workspaces of one extract, which holds their locks."""

    def __init__(self, home: Path, lake: Lake) -> None:
        self._home = home
        self._lake = lake
        self._workspaces: tuple[str, ...] = ()
        self.parts: dict[Key, Part] = {}  # that `resume` found, of types without a result

    def resume(self, published: Mapping[str, int], fingerprint: str) -> dict[Key, Result]:
        """What stopped extracts of the same kind left of workspaces that nobody published since.

        `published`: the stamp of each workspace of this extract. Anything else is dropped.
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
            found, parts = self._read(lines[1:] if usable else [])
            done: list[Result | Part] = [*found.values(), *parts.values()]
            began = head.began if head is not None and done else now
            self._start(workspace, _Head(stamp, fingerprint, began), done)
            self._sweep(workspace, stamp, done)
            results |= found
            self.parts |= parts
        (self._home / JOURNAL_OF_ALL).unlink(missing_ok=True)
        return results

    def append(self, done: Result | Part) -> None:
        """Write down one result, or a part of one; it is on the disk when this returns."""
        path = self._path(done.workspace)
        with disk_errors(path, "write"), path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(done.to_json(), ensure_ascii=False) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def finish(self) -> None:
        """Drop the journals: their work is published."""
        for workspace in self._workspaces:
            self._path(workspace).unlink(missing_ok=True)

    def _path(self, workspace: str) -> Path:
        return self._home / f"extract-{workspace}.journal"

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
                one = Part.from_json(body) if "part" in body else Result.from_json(body)
            except (ValueError, KeyError, TypeError):
                break  # the last line of a kill
            if not self._is_whole(one):
                continue
            key = (one.workspace, one.entity)
            if isinstance(one, Part):
                parts[key] = one
            else:
                results[key] = one
                parts.pop(key, None)
        return results, parts

    def _start(self, workspace: str, head: _Head, done: Sequence[Result | Part]) -> None:
        told = {**asdict(head), "began": head.began.isoformat()}
        lines = [told, *(one.to_json() for one in done)]
        path = self._path(workspace)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        with disk_errors(path, "write"):
            with aside.open("w", encoding="utf-8") as stream:
                for line in lines:
                    stream.write(json.dumps(line, ensure_ascii=False) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)

    def _is_whole(self, done: Result | Part) -> bool:
        return all(self._is_there(one) for files in done.files.values() for one in files)

    def _is_there(self, file: FileEntry) -> bool:
        try:
            path = self._lake.resolve(file)
        except LakeError:  # a bucket lacks it, or has something else there
            return False
        return path.is_file() and path.stat().st_size == file.bytes

    def _sweep(self, workspace: str, stamp: int, done: Sequence[Result | Part]) -> None:
        """Delete what extracts of this workspace left unpublished and no line names."""
        kept = {one.path for each in done for files in each.files.values() for one in files}
        for path in (self._lake.folder / "data" / workspace).glob("*/*"):
            name = path.relative_to(self._lake.folder).as_posix()
            owner, number = made_by(name)
            if owner == workspace and number > stamp and name not in kept:
                path.unlink(missing_ok=True)


def _head(lines: Sequence[str]) -> _Head | None:
    try:
        body = json.loads(lines[0])
        return _Head(**{**body, "began": datetime.fromisoformat(body["began"])})
    except (ValueError, KeyError, IndexError, TypeError):
        return None
