"""The audit log: one JSON line before each request that writes, and one with its verdict after it.

Records in, lines in `<home>/actions/audit.jsonl` out; everything that writes to the server calls
it. Lines are only ever added, and each is on the disk before the next step is taken.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from octane_flows.errors import (
    AccessError,
    NotFoundError,
    OctaneFlowsError,
    QueueFullError,
    RequestError,
    ServerError,
)

#: The server said no, so nothing was changed. After any other failure nobody knows.
REFUSALS = (AccessError, NotFoundError, QueueFullError, RequestError)


def audit_path(home: Path) -> Path:
    """Where the log of a data folder stands."""
    return home / "actions" / "audit.jsonl"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class AuditLog:
    """Appends to one file; several processes may do so at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one line with the time of this computer and wait until it is on the disk."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), **record}, ensure_ascii=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab+", buffering=0, opener=_private) as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - 1))
                # a line that a crash cut short must not take this one with it
                is_cut = size > 0 and stream.read(1) != b"\n"
                stream.write(b"\n" * is_cut + line.encode() + b"\n")
                os.fsync(stream.fileno())
        except OSError as error:
            raise OctaneFlowsError(
                f"The audit log {self.path} cannot be written ({error.strerror}), so nothing more "
                "was sent; free space or correct its rights, and apply again."
            ) from error

    @contextmanager
    def sending(self, facts: Mapping[str, Any]) -> Iterator[None]:
        """Log what is about to be sent, and the verdict where that fails: refused or unknown."""
        self.append({"event": "sending", **facts})
        try:
            yield
        except ServerError as error:
            outcome = "refused" if isinstance(error, REFUSALS) else "unknown"
            self.append({"event": "verdict", **facts, "outcome": outcome, "detail": str(error)})
            raise

    def read(self) -> list[dict[str, Any]]:
        """All records, oldest first; a line that a crash cut short is left out."""
        if not self.path.is_file():
            return []
        records: list[dict[str, Any]] = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                records.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
        return records
