"""The lake: immutable Parquet files and the manifests that name them.

`extract` adds a generation, `warehouse` reads the current one; no other package writes its files.
"""

from octane_flows.lake.bucket import BucketStorage, open_lake
from octane_flows.lake.compaction import Compaction, compact
from octane_flows.lake.draft import Draft, file_origin
from octane_flows.lake.expiry import Expiry, expire
from octane_flows.lake.generations import Lake
from octane_flows.lake.integrity import check_lake, go_back
from octane_flows.lake.manifest import (
    CertificateRow,
    ColumnEntry,
    FileEntry,
    Finding,
    KeptGeneration,
    Manifest,
    SchemaChange,
    ServerFinding,
    TableEntry,
    WorkspaceEntry,
)
from octane_flows.lake.read_state import (
    Census,
    FieldEntry,
    Interval,
    NewestRow,
    PastCursor,
    ReadState,
    RejectedValue,
)
from octane_flows.lake.workspace_removal import drop_workspace
from octane_flows.lake.writer_lock import write_lock

__all__ = [
    "BucketStorage",
    "Census",
    "CertificateRow",
    "ColumnEntry",
    "Compaction",
    "Draft",
    "Expiry",
    "FieldEntry",
    "FileEntry",
    "Finding",
    "Interval",
    "KeptGeneration",
    "Lake",
    "Manifest",
    "NewestRow",
    "PastCursor",
    "ReadState",
    "RejectedValue",
    "SchemaChange",
    "ServerFinding",
    "TableEntry",
    "WorkspaceEntry",
    "check_lake",
    "compact",
    "drop_workspace",
    "expire",
    "file_origin",
    "go_back",
    "open_lake",
    "write_lock",
]
