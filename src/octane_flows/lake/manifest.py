"""The manifest of one generation: which files hold which table, and what is known about them.

Records in, JSON out and back. The lake writes manifests, the warehouse reads them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from octane_flows.errors import LakeError

FORMAT = 1

TableKind = Literal["entity", "link"]
CertificateStatus = Literal["complete", "refused", "incomplete", "carried"]
SchemaChangeKind = Literal["added", "removed", "retyped"]


@dataclass(frozen=True)
class ColumnEntry:
    """One column: its DuckDB type and the Octane field that it comes from (None: ours)."""

    name: str
    type: str
    field: str | None = None
    field_type: str | None = None
    label: str | None = None
    targets: tuple[str, ...] = ()
    is_user_defined: bool = False


@dataclass(frozen=True)
class FileEntry:
    """One Parquet file; `path` is relative to the lake folder, `bytes` its size on disk."""

    path: str
    workspace: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableEntry:
    """An entity type's rows, or the pairs of one multi-reference field."""

    name: str
    kind: TableKind
    entity: str
    field: str | None
    label: str
    columns: tuple[ColumnEntry, ...]
    files: tuple[FileEntry, ...]

    @property
    def rows(self) -> int:
        """Rows over all files, versions and tombstones included."""
        return sum(entry.rows for entry in self.files)


@dataclass(frozen=True)
class CertificateRow:
    """What was asked of one entity type in one workspace and what came."""

    workspace: str
    entity: str
    collection: str
    total_count: int
    rows_read: int
    pages: int
    bytes_received: int
    status: CertificateStatus
    note: str = ""


@dataclass(frozen=True)
class SchemaChange:
    """A field that appeared, went away or changed its type since the generation before."""

    generation: int
    workspace: str
    entity: str
    field: str
    change: SchemaChangeKind
    detail: str


@dataclass(frozen=True)
class Manifest:
    """One generation of the lake; `as_of` is the server's time when its extract began (UTC)."""

    generation: int
    parent: int | None
    as_of: datetime
    created_at: datetime
    server_url: str
    server_version: str
    shared_space: str
    tables: dict[str, TableEntry]
    cursors: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    certificate: list[CertificateRow] = field(default_factory=list)
    schema_changes: list[SchemaChange] = field(default_factory=list)
    politeness: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    signed_in_user_id: str | None = None
    signed_in_user_name: str | None = None

    def to_json(self) -> str:
        """The manifest as stable, readable JSON text."""
        body: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        body["as_of"] = _time_text(self.as_of)
        body["created_at"] = _time_text(self.created_at)
        return json.dumps(body, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Manifest:
        """Read a manifest; `where` names it in errors."""
        try:
            body: dict[str, Any] = json.loads(text)
            if body.pop("format") != FORMAT:
                raise LakeError(
                    f"{where} was written by another version of octane-flows; "
                    "use that version, or extract into a new OCTANE_HOME."
                )
            body["as_of"] = datetime.fromisoformat(body["as_of"])
            body["created_at"] = datetime.fromisoformat(body["created_at"])
            body["tables"] = {name: _table(entry) for name, entry in body["tables"].items()}
            body["certificate"] = [CertificateRow(**row) for row in body["certificate"]]
            body["schema_changes"] = [SchemaChange(**row) for row in body["schema_changes"]]
            return cls(**body)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LakeError(
                f"{where} is damaged ({type(error).__name__}: {error}); restore it from a backup, "
                "or extract into a new OCTANE_HOME."
            ) from error


def _time_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _table(entry: dict[str, Any]) -> TableEntry:
    columns = tuple(
        ColumnEntry(**{**column, "targets": tuple(column["targets"])})
        for column in entry.pop("columns")
    )
    files = tuple(FileEntry(**file) for file in entry.pop("files"))
    return TableEntry(**entry, columns=columns, files=files)
