"""Contents of attachments: upload in both forms, download by id and by file name.

In: requests to `attachments`. Out: answers, or None when entity_routes.py is to answer.
Called by workspace_routes.py.
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http.wire import caller_of, json_response
from octane_simulator.model.collection_page import Page
from octane_simulator.model.refusals import entity_not_found, illegal_value
from octane_simulator.model.strict_json import json_value
from octane_simulator.simulated_workspace import Workspace
from octane_simulator.store.entity_store import Store

__all__ = ["attachment_routes"]


def attachment_routes(workspace: Workspace, request: Request, parts: list[str]) -> Response | None:
    """Upload by multipart or octet stream, download; None for everything that is JSON."""
    if request.method == "POST" and not parts:
        if request.mimetype == "multipart/form-data":
            return _upload(workspace, request, *_multipart_upload(request))
        if request.mimetype == "application/octet-stream":
            values = _from_parameters(workspace, request)
            return _upload(workspace, request, values, request.get_data())
    if request.method == "GET" and parts:
        wants_json = "application/json" in request.headers.get("Accept", "")
        if len(parts) == 2 or not wants_json:
            return _download(workspace.store, parts)
    return None


def _multipart_upload(request: Request) -> tuple[dict[str, Any], bytes]:
    """The two parts of a multipart upload: the attachment's fields as JSON, and its bytes."""
    entity_part = request.files.get("entity")
    content = request.files.get("content")
    text = (
        entity_part.read() if entity_part is not None else request.form.get("entity", "").encode()
    )
    try:
        values: Any = json_value(text)
    except ValueError as error:
        raise illegal_value("The part entity is not valid JSON") from error
    if content is None or not isinstance(values, dict):
        raise illegal_value("An upload needs the parts entity and content")
    return values, content.read()


def _from_parameters(workspace: Workspace, request: Request) -> dict[str, Any]:
    """The fields of an octet-stream upload: `name`, and the owner as JSON reference or bare id."""
    fields = workspace.schema.entities["attachment"].fields
    values: dict[str, Any] = {}
    for name, text in request.args.items():
        if name == "fields":
            continue
        definition = fields.get(name)
        if definition is None or not definition.is_reference:
            values[name] = text
            continue
        try:
            value = json_value(text)
        except ValueError as error:
            raise illegal_value(f"The parameter {name} is neither an id nor JSON") from error
        if isinstance(value, int):
            family = workspace.schema.family(definition.targets[0])
            kind = workspace.store.type_of(family, value) or definition.targets[0]
            value = {"type": kind, "id": str(value)}
        values[name] = value
    return values


def _upload(
    workspace: Workspace, request: Request, values: dict[str, Any], data: bytes
) -> Response:
    """Store the file; the answer has the fields that `fields` names, or the name."""
    entity = workspace.schema.entities["attachment"]
    store = workspace.store
    with store.transaction():
        outcome = workspace.writer.create(entity, [values])
        if outcome.errors:
            raise outcome.errors[0][1]
        identifier = outcome.ids[0]
        stamps = {"version_stamp": 1, "client_lock_stamp": 1}
        store.update("attachment", identifier, {"size": len(data), **stamps})
        store.store_content(identifier, data)
    fields = request.args.get("fields") or "name"
    rows = workspace.reader.rows(entity, [identifier], fields, caller_of(request))
    return json_response(Page(rows, len(rows)).text(), 201)


def _download(store: Store, parts: list[str]) -> Response:
    """The bytes of an attachment; a file name in the path must be its own."""
    identifier = parts[0]
    key = store.key("attachment", identifier)
    if len(parts) == 2 and not store.find("attachment", id=identifier, name=parts[1]):
        raise entity_not_found("attachment", identifier)
    rows = store.read("SELECT content FROM attachment_content WHERE id = ?", (key,))
    if not rows:
        raise entity_not_found("attachment", identifier)
    return Response(rows[0][0], 200, content_type="application/octet-stream")
