"""The lake: immutable Parquet files and the manifests that name them.

`extract` appends a generation, `warehouse` reads the current one; nobody else touches its files.
"""

from octane_flows.lake.bucket import BucketStorage, open_lake
from octane_flows.lake.lock import hold
from octane_flows.lake.manifest import (
    CertificateRow,
    ColumnEntry,
    FileEntry,
    Finding,
    Kept,
    Manifest,
    SchemaChange,
    TableEntry,
    WorkspaceEntry,
)
from octane_flows.lake.state import Census, FieldEntry, Interval, ReadState
from octane_flows.lake.store import Draft, Lake, made_by
from octane_flows.lake.upkeep import Compaction, Expiry, compact, expire

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
    "Kept",
    "Lake",
    "Manifest",
    "ReadState",
    "SchemaChange",
    "TableEntry",
    "WorkspaceEntry",
    "compact",
    "expire",
    "hold",
    "made_by",
    "open_lake",
]
