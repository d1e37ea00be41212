"""Whether a lake is what was written: pointer, manifests with their parts, and every data file.

A lake in, one fault for each file that is missing or damaged out, with what helps. The warehouse
checks new files by it when it loads them; the commands `check` and `go-back` call the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from octane_flows.disk_remedies import closed_folder
from octane_flows.errors import LakeError, UsageError
from octane_flows.lake.generations import POINTER, Lake, Pointer
from octane_flows.lake.manifest import FileEntry, KeptGeneration, Manifest
from octane_flows.lake.table_writer import file_digest

READERS = 8  # files read at once; a digest of a local file leaves the interpreter to others


@dataclass(frozen=True)
class IntegrityReport:
    """What a check read, and one sentence for each fault."""

    generations: int
    files: int
    bytes: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class FileFault:
    """What is wrong with a data file, as a clause, and what to try first, as the start of one."""

    clause: str
    first_remedy: str = ""


def file_fault(lake: Lake, file: FileEntry) -> FileFault | None:
    """What is wrong with a data file; None: it is what its manifest says."""
    path = Path()
    try:
        path = lake.resolve(file)
        if not path.is_file():
            return FileFault("is named by the manifest but is not there")
        if file_digest(path) != file.sha256:
            return FileFault("is not what its manifest says (another digest)")
    except PermissionError as error:
        folder_or_file = closed_folder(path) or path
        remedy = f"correct the rights of {folder_or_file}, or "
        return FileFault(f"cannot be read ({error.strerror})", remedy)
    except OSError as error:
        return FileFault(f"cannot be read ({error.strerror or error})")
    except LakeError as error:
        return FileFault(f"cannot be read ({str(error).rstrip('.')})")
    return None


def require_whole_files(lake: Lake, entity: str, files: Iterable[FileEntry]) -> None:
    """Raise LakeError for the first file that is missing or has another content."""
    for file, fault in _faults_of(lake, list(files)):
        raise LakeError(
            f"The lake's file {lake.storage.describe(file.path)} {fault.clause}; "
            f"{fault.first_remedy}restore it from a backup, or read the entity type again: "
            f"octane-flows extract --full {entity}. "
            "octane-flows check looks at all files."
        )


def check_lake(lake: Lake, progress: Callable[[str], None] | None = None) -> IntegrityReport:
    """Read every file of the lake. Raises UsageError where there is no lake."""
    faults: list[str] = []
    pointer = _pointer(lake, faults)
    manifests: list[Manifest] = []
    for place, kept in enumerate(pointer.kept):
        try:
            manifests.append(lake.manifest(kept.generation))
        except LakeError as error:
            is_current = place == len(pointer.kept) - 1
            remedy = (
                "To go on from the newest generation that can be read: octane-flows go-back."
                if is_current
                else "The other generations do not need it; expire lets go of it."
            )
            faults.append(f"Generation {kept.generation}: {str(error).rstrip('.')}. {remedy}")
    current = manifests[-1].generation if manifests else None
    entries: dict[str, tuple[FileEntry, str, int]] = {}  # path -> file, entity, newest generation
    for manifest in manifests:
        for table in manifest.tables.values():
            for file in table.files:
                entries[file.path] = (file, table.entity, manifest.generation)
    if progress is not None:
        progress(f"reading {len(entries):,} files of {len(manifests)} generations")
    for file, fault in _faults_of(lake, [file for file, _, _ in entries.values()]):
        _, entity, generation = entries[file.path]
        remedy = (
            f"{fault.first_remedy}restore it from a backup, or read the entity type of workspace "
            f"{file.workspace} again: octane-flows extract --full {entity}."
            if generation == current
            else f"only generations up to {generation} need it: {fault.first_remedy}restore it "
            "from a backup, or let go of them with expire."
        )
        faults.append(
            f"{lake.storage.describe(file.path)} {fault.clause}. {remedy[0].upper()}{remedy[1:]}"
        )
    return IntegrityReport(
        len(manifests),
        len(entries),
        sum(file.bytes for file, _, _ in entries.values()),
        tuple(faults),
    )


def go_back(lake: Lake, generation: int | None = None) -> KeptGeneration:
    """Make an earlier generation the current one; None: the newest one that can be read.

    None goes back even from a whole generation: to the one before it. Later generations are no
    longer kept; the next extract reads again what they had read. Raises UsageError.
    """
    faults: list[str] = []
    pointer = _pointer(lake, faults)
    kept = list(pointer.kept)
    if generation is None and not faults and kept:
        kept.pop()
    if generation is not None:
        kept = [entry for entry in kept if entry.generation <= generation]
        if not kept or kept[-1].generation != generation:
            raise UsageError(
                f"The lake {lake.storage.describe()} keeps no generation {generation}; "
                "octane-flows generations lists those that it keeps."
            )
    while kept and not _is_readable(lake, kept[-1].generation):
        if generation is not None:
            raise UsageError(f"Generation {generation} cannot be read; choose another one.")
        kept.pop()
    if not kept:
        raise UsageError(
            f"The lake {lake.storage.describe()} has no earlier generation that can be read; "
            "restore it from a backup, or extract into a new OCTANE_HOME."
        )
    if not lake.move_pointer(kept, pointer):
        raise LakeError("Another process published meanwhile; run it again.")
    return kept[-1]


def _pointer(lake: Lake, faults: list[str]) -> Pointer:
    """The pointer; where it is damaged, what the manifests say, and a fault."""
    try:
        pointer = lake.pointer()
    except LakeError as error:
        faults.append(str(error))
        body = lake.storage.read(POINTER)
        readable = [number for number in lake.written() if _is_readable(lake, number)]
        kept = tuple(KeptGeneration(number, lake.manifest(number).as_of) for number in readable)
        return Pointer(kept, body)
    if not pointer.kept:
        raise UsageError(
            f"There is no lake in {lake.storage.describe()}; run octane-flows extract."
        )
    return pointer


def _is_readable(lake: Lake, generation: int) -> bool:
    try:
        lake.manifest(generation)
    except LakeError:
        return False
    return True


def _faults_of(lake: Lake, files: list[FileEntry]) -> list[tuple[FileEntry, FileFault]]:
    with ThreadPoolExecutor(READERS, thread_name_prefix="check") as pool:
        faults = pool.map(lambda file: file_fault(lake, file), files)
        return [(file, fault) for file, fault in zip(files, faults, strict=True) if fault]
