"""What helps when the operating system refuses to write or read a file, as a part of a sentence.

The error and the path come in; whatever writes files that a user named or may look at says so. A
full disk, a folder in the file's place and missing rights each need something else.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
#: What DuckDB's errors say of files that the operating system refuses to open.
REFUSED_WORDS: Final = ("Permission denied", "Access is denied", "Read-only file system")


def disk_remedy(error: OSError, path: Path, otherwise: str) -> str:
    """What to do, in the imperative; `otherwise` is what helps in every case."""
    closed = closed_folder(path)
    if closed is not None:  # nothing below it can be looked at
        return f"correct the rights of {closed}, or {otherwise}"
    if path.is_dir() or error.errno == errno.EISDIR:
        return f"a folder is in its place: move or delete it, or {otherwise}"
    missing = next((parent for parent in path.parents if not parent.is_dir()), None)
    if missing is not None:
        if missing.exists():
            return f"{missing} is a file and no folder, so {otherwise}"
        return f"create {missing}, or {otherwise}"
    if error.errno in REFUSED:
        return f"correct the rights of {_closed_place(error, path)}, or {otherwise}"
    if error.errno in FULL:
        return f"free space or {otherwise}"
    return f"check the disk, or {otherwise}"


def _closed_place(error: OSError, path: Path) -> Path:
    """The folder, or in a folder that one may write the file, such as a lock of another user."""
    file = Path(error.filename) if isinstance(error.filename, str) else path
    return file if file.exists() and os.access(file.parent, os.W_OK) else path.parent


def closed_folder(path: Path) -> Path | None:
    """The outermost folder above a path whose files this user may not open."""
    for folder in reversed(path.parents):
        if folder.is_dir() and not os.access(folder, os.X_OK):
            return folder
    return None


def is_refused(error: BaseException) -> bool:
    """Whether rights are missing, by the words of an error that has no number."""
    return any(words in str(error) for words in REFUSED_WORDS)
