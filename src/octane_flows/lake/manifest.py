"""The manifest of one generation: its tables with their files, and what is known of them.

Records alone: an extract fills them, `manifest_json` writes and reads them, the warehouse loads by
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import field as record_field
from datetime import datetime
from typing import Any, Literal

from octane_flows.lake.read_state import FieldEntry, ReadState

TableKind = Literal["entity", "link"]
CertificateStatus = Literal["complete", "refused", "absent", "carried"]
SchemaChangeKind = Literal[
    "added", "removed", "returned", "retyped", "relabelled", "list_added", "list_removed"
]


HISTORY_PREFIX = "history_log."  # before an entity type: its change history


@dataclass(frozen=True)
class ColumnEntry:
    """One column: its DuckDB type and the Octane field that it comes from (None: our own)."""

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
    """A JSON file with a part of the manifest; several generations can name the same file."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TableEntry:
    """An entity type's rows, or the pairs of one multi-reference field.

    The newest version of a row (by `_generation`, then `_extracted_at`) counts; a row with
    `_deleted` is a tombstone. A link set is replaced whole: the newest rows of a `source_id` are
    its set, and a row with `_deleted` and no target says that the set is empty. `values_since`, by
    field and workspace: values of rows with a lower `_generation` do not count any more, because
    the server deleted the field meanwhile.
    """

    name: str
    kind: TableKind
    entity: str
    field: str | None
    label: str
    columns: tuple[ColumnEntry, ...]
    files: tuple[FileEntry, ...]
    values_since: dict[str, dict[str, int]] = record_field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows over all files, versions and tombstones included."""
        return sum(entry.rows for entry in self.files)


@dataclass(frozen=True)
class CertificateRow:
    """What an extract requested of one entity type in one workspace, what came, what is stored.

    `total_count` and `rows_read` count the rows of this extract's query, which in a refresh are the
    changed rows; `rows_held` counts all rows of the lake, where that is known. The server's counts
    are those of a census or of a full read. `lag_s`: from the cursor to the server's time.
    `rejected_values` counts the values that do not fit their column, and the rows without a usable
    id, that the lake does not hold.
    `complete_from`, of a change history alone: the moment from which on all changes are stored.
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
    rejected_values: int = 0
    complete_from: datetime | None = None

    @property
    def is_history(self) -> bool:
        """Whether it is about the change history of an entity type, not about its rows."""
        return self.entity.startswith(HISTORY_PREFIX)


def carried_status(status: CertificateStatus) -> CertificateStatus:
    """The status of a row in a generation that did not read it: what is missing stays missing."""
    return status if status in ("refused", "absent") else "carried"


@dataclass(frozen=True)
class SchemaChange:
    """A field or list that was added, removed or changed since the previous generation."""

    generation: int
    workspace: str
    entity: str
    field: str
    change: SchemaChangeKind
    detail: str


@dataclass(frozen=True)
class Finding:
    """One sentence on a workspace: something unusual that did not stop the extract."""

    workspace: str
    text: str

    def __str__(self) -> str:
        return f"workspace {self.workspace}: {self.text}"


@dataclass(frozen=True)
class ServerFinding:
    """What the server says to one feature of its query language, and the form that is used for it.

    `is_taken`: as first asked for. `form` is empty where nothing takes the feature's place. `since`
    is the server's time of the first extract in a row that found this.
    """

    feature: str
    is_taken: bool
    form: str
    since: datetime


@dataclass(frozen=True)
class WorkspaceEntry:
    """The newest extract of a workspace; `as_of` is the server's time when it began.

    `stamp` is the `_generation` of the workspace's newest rows. Rows carry the number that was next
    when the extract began. It orders the versions of a workspace; it is lower than the number of
    the generation that published them when other processes published in between. `name` is what
    the server called the workspace then; null: it did not say.
    """

    stamp: int
    as_of: datetime
    signed_in_user_id: str | None = None
    signed_in_user_name: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Manifest:
    """One generation of the lake; `as_of` is the server's time when its extract began (UTC).

    When another workspace was read later, `as_of` is the later time: no row of the generation is
    newer. `findings` are those of the newest extract of each workspace; politeness, server version
    and signed-in user are those of the extract that published the generation. `compacted`, in a
    generation that compaction made, has for each new file the files that it replaces;
    `compaction_stamp` is the highest number in names of such files; `parts` are the files with the
    parts of a published manifest; `workspaces` are those with rows in the generation, by id;
    `server` is what extracts found out about the server's queries.
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
    server: list[ServerFinding] = field(default_factory=list, repr=False)

    @property
    def names(self) -> dict[str, str | None]:
        """The names of the workspaces by id."""
        return {id: entry.name for id, entry in self.workspaces.items()}

    def stamp(self, workspace: str) -> int:
        """The `_generation` of a workspace's newest rows; 0 when it has none."""
        entry = self.workspaces.get(workspace)
        return entry.stamp if entry is not None else 0


@dataclass(frozen=True)
class KeptGeneration:
    """A generation that is kept, so that it can be opened, and its server's time."""

    generation: int
    as_of: datetime

    def __str__(self) -> str:
        return f"{self.generation} of {self.as_of:%Y-%m-%d %H:%M} UTC"
