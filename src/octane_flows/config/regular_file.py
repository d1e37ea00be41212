"""The content of a file that a user names; a pipe or a device is refused.

A path in, bytes out. Reading a pipe may never end, so it is not begun. Plans, rules, criteria and
quarantine files are read here.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["regular_bytes"]


def regular_bytes(path: Path) -> bytes:
    """The content of a file; a device, a pipe or a folder is an OSError with its reason."""
    if path.exists() and not path.is_file():
        raise OSError(0, "it is no regular file", str(path))
    return path.read_bytes()
