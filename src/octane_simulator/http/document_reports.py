"""Document reports: a template goes in, a background task and then a file come out (flow 25).

In: `POST reports` and `GET background_tasks`. Out: answers; the task ends after its first
look-up. Called by workspace_routes.py.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http.wire import body_of, object_response
from octane_simulator.model.refusals import ApiError, duplicate, illegal_value, method_not_allowed
from octane_simulator.query.reader import Caller
from octane_simulator.simulated_workspace import Workspace

__all__ = ["finish_tasks", "report_route"]


def report_route(workspace: Workspace, request: Request) -> Response:
    """`POST reports`: the template itself, not in `data`; gives the id of the task."""
    if request.method != "POST":
        raise method_not_allowed()
    body = body_of(request)
    if not isinstance(body, dict) or "data" in body:
        raise illegal_value("The body of a report is the template itself, not in data")
    fields = workspace.schema.entities["report_configuration"].fields
    for name in body:
        if name not in fields or name in {"id", "type", "workspace_id"}:
            raise illegal_value(f"A report does not take the key '{name}'")
    name = body.get("file_name")
    if not isinstance(name, str) or not name:
        raise illegal_value("A report needs a file_name")
    if workspace.store.find("attachment", name=_file(name)):
        raise duplicate("report", "file_name", f"There is already a report file '{name}'")
    task = workspace.store.insert("background_task", {"status": "Running", "request": body})
    return object_response({"background_task_id": task}, 201)


def _file(name: str) -> str:
    return name if "." in name else f"{name}.html"


def finish_tasks(workspace: Workspace) -> None:
    """End every task that runs: a file, or an error with its description."""
    store = workspace.store
    with store.transaction():
        for task in store.find("background_task", status="Running"):
            try:
                content = _document(workspace, task["request"]).encode()
            except ApiError as error:
                result = {"description": error.description}
                store.update("background_task", task["id"], {"status": "Error", "result": result})
                continue
            name = _file(task["request"]["file_name"])
            attachment = store.insert("attachment", {"name": name, "size": len(content)})
            store.store_content(attachment, content)
            result = {"attachment_id": attachment, "file_name": name}
            store.update("background_task", task["id"], {"status": "Finished", "result": result})


def _document(workspace: Workspace, template: Mapping[str, Any]) -> str:
    """One HTML page with a table for each entry of the template."""
    title = html.escape(str(template.get("title") or template["file_name"]))
    parts = [f"<html><head><title>{title}</title></head><body><h1>{title}</h1>"]
    entries = template.get("report_entries") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise illegal_value("report_entries is a list of objects")
    for entry in entries:
        name = str(entry.get("entity_type"))
        entity = workspace.schema.entities.get(name)
        if entity is None:
            raise illegal_value(f"A report entry names the entity type '{name}', which is none")
        rows = workspace.reader.ids(entity, str(entry.get("query") or '"id GE 0"'), Caller())
        parts.append(f"<h2>{html.escape(str(entry.get('title') or entity.label))}</h2><table>")
        for row in _with_descendants(workspace, name, rows, bool(entry.get("descendants"))):
            shown = html.escape(str(row.get("name")))
            parts.append(f"<tr><td>{row['type']}</td><td>{row['id']}</td><td>{shown}</td></tr>")
        parts.append("</table>")
    return "".join([*parts, "</body></html>"])


def _with_descendants(
    workspace: Workspace, name: str, identifiers: list[str], descendants: bool
) -> list[dict[str, Any]]:
    """The rows; with `descendants`, each is followed by the rows below it."""
    store, family = workspace.store, workspace.schema.family(name)
    rows: dict[str, dict[str, Any]] = {}
    waiting = list(reversed(identifiers))
    while waiting:
        row = store.get(family, waiting.pop(), links=())
        if row is None or row["id"] in rows:
            continue
        rows[row["id"]] = row
        if descendants and "parent" in row:
            waiting += [child["id"] for child in reversed(store.find(family, parent=row["id"]))]
    return list(rows.values())
