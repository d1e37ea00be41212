"""The manifest of one generation: which files hold which table, and what is known about them.

Records alone: an extract fills them, `encode` turns them into JSON and back, the warehouse reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from octane_flows.lake.read_state import FieldEntry, ReadState

TableKind = Literal["entity", "link"]
CertificateStatus = Literal["complete", "refused", "incomplete", "carried"]
SchemaChangeKind = Literal[
    "added", "removed", "retyped", "relabelled", "list_added", "list_removed"
]


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
class PartEntry:
    """A JSON file with a part of the manifest, the same for all generations that name it."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableEntry:
    """An entity type's rows, or the pairs of one multi-reference field.

    The newest version of a row (by `_generation`, then `_extracted_at`) counts; a row with
    `_deleted` is a tombstone. A link set is replaced whole: the newest rows of a `source_id` are
    its set, and a row with `_deleted` and no target says that the set is empty.
    """

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
    """What was asked of one entity type in one workspace, what came, and what is held.

    `total_count` and `rows_read` speak of this extract's question, which a refresh narrows to what
    changed; `rows_held` of all rows, where it is known; counts of the server belong to a census or
    a full read. `lag_s`: from the cursor to the server's time.
    """

    workspace: str
    entity: str
    collection: str
    total_count: int
    rows_read: int
    pages: int
    bytes_received: int
    status: CertificateStatus
    note: str = ""
    mode: str = "full"
    rows_written: int = 0
    rows_held: int | None = None
    server_count_start: int | None = None
    server_count_end: int | None = None
    cursor: datetime | None = None
    lag_s: float | None = None
    census_at: datetime | None = None
    census_result: str = ""
    tombstones: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SchemaChange:
    """A field or list that appeared, went away or was changed since the generation before."""

    generation: int
    workspace: str
    entity: str
    field: str
    change: SchemaChangeKind
    detail: str


@dataclass(frozen=True)
class Finding:
    """What an extract found odd in a workspace but could go on with: one sentence."""

    workspace: str
    text: str

    def __str__(self) -> str:
        return f"workspace {self.workspace}: {self.text}"


@dataclass(frozen=True)
class WorkspaceEntry:
    """What the newest extract of a workspace told; `as_of` is the server's time when it began.

    `stamp` is the `_generation` of its newest rows. Rows carry the number that was next when they
    were read: it orders the versions of a workspace, and is lower than that of the generation that
    published them where others published in between.
    """

    stamp: int
    as_of: datetime
    signed_in_user_id: str | None = None
    signed_in_user_name: str | None = None


@dataclass(frozen=True)
class Manifest:
    """One generation of the lake; `as_of` is the server's time when its extract began (UTC).

    Where others read later, `as_of` is theirs: nothing that is in the generation is newer.
    `findings` are those of the newest extract of each workspace; politeness, server version and
    signed-in user are those of the extract that published the generation. `compacted` names, in a
    generation that compaction made, each new file's former files; `compaction_stamp` is the highest
    number in names of such files; `parts` is where a published manifest's parts lie.
    """

    generation: int
    parent: int | None
    as_of: datetime
    created_at: datetime
    server_url: str
    server_version: str
    shared_space: str
    tables: dict[str, TableEntry] = field(repr=False)
    states: dict[str, dict[str, ReadState]] = field(default_factory=dict, repr=False)
    fields: list[FieldEntry] = field(default_factory=list, repr=False)
    certificate: list[CertificateRow] = field(default_factory=list, repr=False)
    schema_changes: list[SchemaChange] = field(default_factory=list, repr=False)
    politeness: dict[str, Any] = field(default_factory=dict, repr=False)
    findings: list[Finding] = field(default_factory=list, repr=False)
    workspaces: dict[str, WorkspaceEntry] = field(default_factory=dict)
    compacted: dict[str, list[str]] = field(default_factory=dict, repr=False)
    compaction_stamp: int = 0
    signed_in_user_id: str | None = None
    signed_in_user_name: str | None = None
    parts: dict[str, PartEntry] = field(default_factory=dict, repr=False)

    def stamp(self, workspace: str) -> int:
        """The `_generation` of a workspace's newest rows; 0 when it has none."""
        found = self.known_workspaces().get(workspace)
        return found.stamp if found is not None else 0

    def known_workspaces(self) -> dict[str, WorkspaceEntry]:
        """The workspaces that the generation holds anything of, by id."""
        if self.workspaces:
            return self.workspaces
        # in generations of before, all rows carry their generation's number
        told = WorkspaceEntry(
            self.generation, self.as_of, self.signed_in_user_id, self.signed_in_user_name
        )
        files = {file.workspace for entry in self.tables.values() for file in entry.files}
        return dict.fromkeys(sorted({*self.states, *files}), told)


@dataclass(frozen=True)
class Kept:
    """A generation that can be opened, and the server's time that it shows."""

    generation: int
    as_of: datetime

    def __str__(self) -> str:
        return f"{self.generation} of {self.as_of:%Y-%m-%d %H:%M} UTC"
