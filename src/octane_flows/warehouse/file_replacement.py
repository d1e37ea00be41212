"""Files that lie beside the warehouse, such as the report: readers see the old one or the new one.

A path and its bytes in; the report, its exports and the record of comparisons are written so.
"""

from __future__ import annotations

import os
from pathlib import Path

from octane_flows.errors import LakeError


def replace_file(target: Path, content: bytes) -> None:
    """Write a file aside and let it take its place. Raises LakeError."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise LakeError(
            f"Could not write {target}: {error.strerror}; free space or choose another folder."
        ) from error
