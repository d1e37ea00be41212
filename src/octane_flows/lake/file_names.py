"""Names that the server chose, as names of files and folders. Pure.

The id of a workspace or the name of a table in, one part of a path out: it cannot leave its folder,
and it is a different one for each name on every file system. Whatever writes files by such names
calls it.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

__all__ = ["file_name"]

KEPT: Final = b"abcdefghijklmnopqrstuvwxyz0123456789_"
PLAIN: Final = re.compile(r"[a-z0-9_]{1,120}")
MAX_ENCODED: Final = 120  # file systems take 255 bytes, and other parts join the name
#: Names of devices on Windows, in any folder.
RESERVED: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])")


def file_name(name: str) -> str:
    """The name itself where it has only a-z, 0-9 and _, else those bytes and `-xx` for others."""
    if PLAIN.fullmatch(name) and not RESERVED.fullmatch(name):
        return name
    kept = b"" if RESERVED.fullmatch(name) else KEPT
    characters = name.encode("utf-8", "surrogatepass")
    encoded = "".join(chr(byte) if byte in kept else f"-{byte:02x}" for byte in characters)
    if 0 < len(encoded) <= MAX_ENCODED:
        return encoded
    return f"{encoded[:60]}-{hashlib.sha256(characters).hexdigest()[:32]}"
