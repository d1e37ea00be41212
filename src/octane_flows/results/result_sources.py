"""Where results come from: files, folders, patterns, archives; each as a name and a stream.

Paths or patterns in, `Source` records out; `read_results` opens them one after the other. Patterns
are expanded here, because shells on Windows do not. Pipes and devices are refused.
"""

from __future__ import annotations

import glob
import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from octane_flows.results.test_result import ResultFileError

SUFFIXES = (".xml", ".trx", ".json", ".ndjson", ".jsonl", ".gz", ".zip")
ALLURE_SUFFIX = "-result.json"
#: An unpacked file may be this large: no report of a test run is, and a zip bomb is larger.
MOST_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Source:
    """One file of results: its name for people, its time, and how to open it.

    `is_named` tells a file that the caller named from one that a folder, pattern or archive holds.
    `parts` are the files of a folder that belong together (Allure); otherwise it is empty.
    """

    name: str
    modified_ms: int
    is_named: bool
    open: Callable[[], BinaryIO]
    parts: tuple[Path, ...] = ()


def find_sources(paths: Iterable[str | Path]) -> Iterator[Source | tuple[str, ResultFileError]]:
    """Every file that the paths name, each once; a path that leads nowhere comes as its error."""
    seen: set[Path] = set()
    for path in paths:
        try:
            for source, file in _sources_of(Path(path)):
                if file not in seen:
                    seen.add(file)
                    yield source
        except (ResultFileError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            yield str(path), ResultFileError(reason)


def _sources_of(path: Path) -> Iterator[tuple[Source, Path]]:
    if path.is_dir():
        yield from _folder(path)
    elif path.exists():
        yield from _file(path, path.name if path.is_absolute() else str(path), is_named=True)
    elif glob.has_magic(str(path)):
        matches = sorted(Path(name) for name in glob.iglob(str(path), recursive=True))  # noqa: PTH207
        if not matches:
            raise ResultFileError("no file matches this pattern; check it and the folder")
        for match in matches:
            if match.is_dir():
                yield from _folder(match)
            else:
                yield from _file(match, str(match), is_named=False)
    else:
        raise ResultFileError("there is no such file or folder; name a result file")


def _folder(folder: Path) -> Iterator[tuple[Source, Path]]:
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES and stat.S_ISREG(file.stat().st_mode)
    )
    if not files:
        raise ResultFileError(f"the folder holds no file that ends with {', '.join(SUFFIXES)}")
    allure: dict[Path, list[Path]] = {}
    for file in files:
        if file.name.endswith(ALLURE_SUFFIX):
            allure.setdefault(file.parent, []).append(file)
        elif not (file.suffix == ".json" and any(file.parent.glob(f"*{ALLURE_SUFFIX}"))):
            yield from _file(file, str(file), is_named=False)
    for parent, parts in allure.items():
        modified = max(_modified_ms(part) for part in parts)
        yield Source(str(parent), modified, True, io.BytesIO, tuple(parts)), parent.resolve()


def _file(path: Path, name: str, *, is_named: bool) -> Iterator[tuple[Source, Path]]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ResultFileError("this is a pipe or a device; name a regular file")
    with path.open("rb") as stream:
        head = stream.read(4)
    resolved, modified = path.resolve(), _modified_ms(path)
    if head == b"PK\x03\x04":
        yield from _members(path, name, resolved)
    elif head[:2] == b"\x1f\x8b":
        yield Source(name, modified, is_named, lambda: _unpacked(path)), resolved
    else:
        yield Source(name, modified, is_named, lambda: path.open("rb")), resolved


def _members(path: Path, name: str, resolved: Path) -> Iterator[tuple[Source, Path]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, ValueError) as error:
        raise ResultFileError(f"the archive is damaged ({error}); write it again") from error
    members = [each for each in members if each.filename.lower().endswith(SUFFIXES[:6])]
    if not members:
        raise ResultFileError("the archive holds no result files")
    for member in members:
        try:
            modified = round(datetime(*member.date_time, tzinfo=UTC).timestamp() * 1000)
        except ValueError:  # some tools write no date, or one that no calendar has
            modified = _modified_ms(path)
        yield (
            Source(
                f"{name}:{member.filename}",
                modified,
                False,
                lambda member=member: _open_member(path, member),  # type: ignore[misc]
            ),
            resolved / member.filename,
        )


def _open_member(path: Path, member: zipfile.ZipInfo) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    try:
        stream = cast("BinaryIO", archive.open(member))
        if member.filename.lower().endswith(".gz"):
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=stream))
        return _bounded(stream, archive)
    except (RuntimeError, zipfile.BadZipFile) as error:  # an encrypted or a damaged member
        archive.close()
        raise ResultFileError(f"the archive cannot be opened ({error})") from error


class _Bounded(io.RawIOBase):
    """A stream that ends with an error once more was unpacked than a report can hold."""

    def __init__(self, stream: BinaryIO, owner: zipfile.ZipFile | None) -> None:
        self._stream, self._owner, self._rest = stream, owner, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        try:
            data = self._stream.read(len(view))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            raise ResultFileError(
                f"the archive is damaged ({error}); let the tool write it again"
            ) from error
        self._rest -= len(data)
        if self._rest < 0:
            raise ResultFileError(
                f"the file unpacks to more than {MOST_BYTES // 1024**3} GiB, which no report does"
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if self._owner is not None:
                self._owner.close()
        super().close()


def _unpacked(path: Path) -> BinaryIO:
    return _bounded(gzip.open(path, "rb"))


def _bounded(stream: object, owner: zipfile.ZipFile | None = None) -> BinaryIO:
    return cast("BinaryIO", io.BufferedReader(_Bounded(cast("BinaryIO", stream), owner), 1 << 16))


def _modified_ms(path: Path) -> int:
    return round(path.stat().st_mtime * 1000)


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """The source's bytes; errors of the disk come as ResultFileError."""
    try:
        with source.open() as stream:
            yield stream
    except OSError as error:
        raise ResultFileError(f"the file cannot be read ({error.strerror or error})") from error
