"""The lake: immutable Parquet files and the manifests that name them.

`extract` appends a generation, `warehouse` reads the current one; nobody else touches its files.
"""

from octane_flows.lake.bucket import BucketStorage, open_lake
from octane_flows.lake.lock import hold
from octane_flows.lake.manifest import (
    CertificateRow,
    ColumnEntry,
    FileEntry,
    Manifest,
    SchemaChange,
    TableEntry,
)
from octane_flows.lake.state import Census, FieldEntry, Interval, ReadState
from octane_flows.lake.store import Draft, Kept, Lake
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
    "Interval",
    "Kept",
    "Lake",
    "Manifest",
    "ReadState",
    "SchemaChange",
    "TableEntry",
    "compact",
    "expire",
    "hold",
    "open_lake",
]
