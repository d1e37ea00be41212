"""Why a build of the warehouse stopped, as one sentence with what helps.

The error and where it happened come in, a LakeError goes out; `warehouse_build` raises it.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from octane_flows.disk_remedies import disk_remedy, is_refused
from octane_flows.errors import LakeError
from octane_flows.portable_files import HeldFileError
from octane_flows.warehouse.duckdb_file import first_line, is_damaged


def build_failure(
    error: BaseException, step: str, *, home: Path, generation: int, draft: Path, target: Path
) -> LakeError:
    """What stopped the build, as one sentence; `step`: where no note of the error says it.

    The user knows the published file `target`, and not the hidden `draft` that takes its place.
    """
    steps = [*getattr(error, "__notes__", ()), *([step] if step else [])][:1]
    during = "".join(f" during {step}" for step in steps)
    text = getattr(error, "strerror", None) or first_line(error)
    text = text.replace(str(draft), str(target))
    stays = "The previous warehouse stays." if target.is_file() else "Nothing was built."
    if isinstance(error, HeldFileError):
        return LakeError(
            f"The warehouse of generation {generation} is built and checked, but "
            f"could not take the place of {target}: {text}. {stays}"
        )
    if isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        return LakeError(
            f"Could not build the warehouse in {home}, because memory, or the disk that "
            f"takes what does not fit into it, is full{during} ({text}). Free "
            f"some, use a bigger machine, or build fewer workspaces (--workspace). {stays}"
        )
    if is_damaged(error):
        return LakeError(
            f"Could not build the warehouse in {home}{during}, because {target} is damaged "
            f"({text}); run 'octane-flows build --full', which reads nothing of it. {stays}"
        )
    elsewhere = "set OCTANE_HOME to a folder that you may write"
    remedy = f"free space, or {elsewhere}"
    if isinstance(error, OSError):
        remedy = disk_remedy(error, target, elsewhere)
    elif is_refused(error):
        remedy = f"correct the rights of {home}, or {elsewhere}"
    return LakeError(f"Could not build the warehouse in {home}{during} ({text}); {remedy}. {stays}")
