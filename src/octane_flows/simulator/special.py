"""Resources that are not plain entities: contents of attachments, and test scripts.

In: requests to `attachments` and `tests/{id}/script`. Out: answers, or None when the ordinary
entity code is to answer. Called by app.py.
"""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_flows.simulator.answers import entity_not_found, illegal_value, not_found
from octane_flows.simulator.clock import iso
from octane_flows.simulator.store import Store
from octane_flows.simulator.workspace import Workspace

__all__ = ["attachment_routes", "script_route"]


def attachment_routes(workspace: Workspace, request: Request, parts: list[str]) -> Response | None:
    """Upload by multipart or octet stream, download; None for everything that is JSON."""
    if request.method == "POST" and not parts:
        if request.mimetype == "multipart/form-data":
            return _upload(workspace, *_described(request))
        if request.mimetype == "application/octet-stream":
            return _upload(workspace, _from_parameters(workspace, request), request.get_data())
    if request.method == "GET" and parts:
        wants_json = "application/json" in request.headers.get("Accept", "")
        if len(parts) == 2 or not wants_json:
            return _download(workspace.store, parts[0])
    return None


def _described(request: Request) -> tuple[dict[str, Any], bytes]:
    """The two parts of a multipart upload: the attachment's fields as JSON, and its bytes."""
    described = request.files.get("entity")
    content = request.files.get("content")
    text = described.read() if described is not None else request.form.get("entity", "").encode()
    try:
        values: Any = json.loads(text)
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
        definition = fields.get(name)
        if definition is None or not definition.is_reference:
            values[name] = text
            continue
        try:
            value = json.loads(text)
        except ValueError as error:
            raise illegal_value(f"The parameter {name} is neither an id nor JSON") from error
        is_id = isinstance(value, int)
        values[name] = {"type": definition.targets[0], "id": str(value)} if is_id else value
    return values


def _upload(workspace: Workspace, values: dict[str, Any], data: bytes) -> Response:
    entity = workspace.schema.entities["attachment"]
    store = workspace.store
    with store.transaction():
        outcome = workspace.writer.create(entity, [values])
        if outcome.errors:
            raise outcome.errors[0][1]
        identifier = outcome.ids[0]
        stamps = {"version_stamp": 1, "client_lock_stamp": 1}
        store.update("attachment", identifier, {"size": len(data), **stamps})
        store.connection.execute(
            "INSERT INTO attachment_content VALUES (?, ?)", (int(identifier), data)
        )
    body = {
        "total_count": 1,
        "data": [{"type": "attachment", "id": identifier, "name": values.get("name")}],
        "exceeds_total_count": False,
    }
    return Response(json.dumps(body), 201, content_type="application/json")


def _download(store: Store, identifier: str) -> Response:
    key = store.key("attachment", identifier)
    rows = store.read("SELECT content FROM attachment_content WHERE id = ?", (key,))
    if not rows:
        raise entity_not_found("attachment", identifier)
    return Response(rows[0][0], 200, content_type="application/octet-stream")


def script_route(store: Store, request: Request, identifier: str) -> Response:
    """`GET` and `PUT` of the script of a manual or Gherkin test."""
    kind = store.type_of("test", identifier)
    if kind is None:
        raise entity_not_found("test", identifier)
    if request.method == "PUT":
        try:
            script = json.loads(request.get_data())["script"]
        except (ValueError, KeyError, TypeError) as error:
            raise illegal_value("The body of a script is an object with the key script") from error
        if not isinstance(script, str):
            raise illegal_value("A script is text")
        with store.transaction():
            store.connection.execute(
                "INSERT OR REPLACE INTO test_script VALUES (?, ?, ?)",
                (int(identifier), script, iso(store.now())),
            )
            steps = sum(1 for line in script.splitlines() if line.startswith("- "))
            store.update(kind, identifier, {"steps_num": steps})
    elif request.method != "GET":
        raise not_found(405, "HTTP 405 Method Not Allowed")
    rows = store.read(
        "SELECT script, last_modified FROM test_script WHERE id = ?", (int(identifier),)
    )
    script, modified = rows[0] if rows else ("", None)
    body = {"script": script, "creation_time": modified, "last_modified": modified}
    return Response(json.dumps(body), 200, content_type="application/json")
