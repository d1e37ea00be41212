"""The items of the server that a plan writes: entities, attached files, scripts of tests.

A workspace and planned requests in; the items as they are, and the ids of those created, out.
`apply_plan` calls it and decides what is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from octane_flows.actions.action_plan import PlannedRequest
from octane_flows.client import Workspace
from octane_flows.config.regular_file import regular_bytes
from octane_flows.errors import RequestError

LOCK = "client_lock_stamp"  # sent back as read: the server refuses when somebody wrote meanwhile
SCRIPT = "test_script"  # not an entity: a part of a test, written as a whole
# Types that metadata does not list as entities.
COLLECTIONS = {"field_metadata": "metadata_fields"}


class FileChanged(Exception):  # noqa: N818
    """The local file is not the one that was planned."""


class Items:
    """What one workspace holds, by entity type and id."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._types = workspace.metadata().entity_types

    def matches(self, condition: Mapping[str, str]) -> list[str]:
        """The ids that match, of many only the first three."""
        page = self._workspace.page(
            self._collection(condition["entity_type"]),
            fields=["id"],
            query=condition["query"],
            limit=3,
        )
        return [str(row["id"]) for row in page.rows]

    def read(self, request: PlannedRequest, id: str) -> dict[str, Any]:
        """The fields that a request writes or expects, and the lock stamp where there is one."""
        if request.entity_type == SCRIPT:
            return self._workspace.script(id)
        entity_type = self._types.get(request.entity_type)
        fields = sorted({*request.body, *request.expected.get("fields", {})} - {"type"})
        if entity_type is not None and LOCK in entity_type.fields:
            fields.append(LOCK)
        return self._workspace.entity(self._collection(request.entity_type), id, fields=fields)

    def create(self, request: PlannedRequest) -> str:
        """Create it; gives its id. Raises FileChanged."""
        if "file" in request.expected:
            return self._workspace.attach(request.body, _planned_bytes(request.expected["file"]))
        rows = self._workspace.create(self._collection(request.entity_type), [request.body])
        return str(rows[0]["id"])

    def update(self, request: PlannedRequest, id: str, lock: int | None) -> None:
        """Write the fields of a request; with a lock stamp the server refuses a lost race."""
        if request.entity_type == SCRIPT:
            self._workspace.write_script(id, request.body["script"], comment=request.reason)
            return
        body = dict(request.body) if lock is None else {**request.body, LOCK: lock}
        self._workspace.update_one(self._collection(request.entity_type), id, body)

    def other_bytes(self, request: PlannedRequest, id: str) -> str | None:
        """What differs where a request brings a file and the server holds other bytes."""
        if "file" not in request.expected:
            return None
        content = self._workspace.download(id)
        if hashlib.sha256(content).hexdigest() == request.expected["file"].get("sha256"):
            return None
        return f"attachment {id} holds {len(content)} other bytes"

    def _collection(self, name: str) -> str:
        entity_type = self._types.get(name)
        collection = COLLECTIONS.get(name) or (entity_type.collection if entity_type else None)
        if collection is None:
            raise RequestError(f"the server offers no collection of {name}")
        return collection


def _planned_bytes(file: Mapping[str, Any]) -> bytes:
    path = Path(str(file.get("path")))
    try:
        content = regular_bytes(path)
    except OSError as error:
        raise FileChanged(f"{path} cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != file.get("sha256"):
        raise FileChanged(f"{path} is not the file that was planned; plan again")
    return content
