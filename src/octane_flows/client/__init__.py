"""The client for Octane's REST API: settings in, checked rows and metadata out.

It implements the protocol: sign-in, query language, pages, metadata. It does not use the lake.
"""

from octane_flows.client.concurrency import Politeness
from octane_flows.client.envelope import Page, PageBytes
from octane_flows.client.metadata import EntityType, Field, Metadata
from octane_flows.client.octane_client import Octane, UserRef, WorkspaceRef
from octane_flows.client.query import FieldRef, Id, Query, field, is_field_name
from octane_flows.client.request_limits import Limits
from octane_flows.client.workspace import Workspace

__all__ = [
    "EntityType",
    "Field",
    "FieldRef",
    "Id",
    "Limits",
    "Metadata",
    "Octane",
    "Page",
    "PageBytes",
    "Politeness",
    "Query",
    "UserRef",
    "Workspace",
    "WorkspaceRef",
    "field",
    "is_field_name",
]
