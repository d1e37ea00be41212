"""Resources outside workspaces: the caller, the version, spaces, their workspaces and users.

In: requests of signed-in callers. Out: answers; what lies below a workspace goes on to
workspace_routes.py. Called by application.py.
"""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http import metadata_resources, workspace_routes
from octane_simulator.http.history_routes import history_elsewhere
from octane_simulator.http.wire import caller_of, json_response, object_response
from octane_simulator.model.collection_page import Page
from octane_simulator.model.refusals import not_found
from octane_simulator.query.query_language import parse, unwrap
from octane_simulator.query.reader import MAX_LIMIT, whole_number
from octane_simulator.simulated_space import Space
from octane_simulator.simulated_workspace import MASTER

__all__ = ["answer", "server_version"]

VERSION = {
    "version": "26.2.1.40", "build_date": "2026-06-30 10:00", "build_revision": "simulated",
    "build_number": "40", "display_version": "26.2.1.40",
}  # fmt: skip


def server_version(request: Request) -> Response | None:
    """The version, which needs no session, or None for every other request."""
    is_version = request.method == "GET" and request.path.strip("/") == "admin/server/version"
    return object_response(VERSION) if is_version else None


def answer(space: Space, request: Request) -> Response:
    """The answer to any request of a signed-in caller."""
    parts = [part for part in request.path.split("/") if part]
    if parts[3:4] != ["workspaces"] and (refusal := history_elsewhere(parts)) is not None:
        raise refusal
    if parts[:2] == ["api", "shared_spaces"] and len(parts) >= 3:
        if parts[2] != space.id:
            raise not_found(404, f"SharedSpaceNotFoundException: no shared space {parts[2]}")
        if len(parts) >= 5 and parts[3] == "workspaces":
            return workspace_routes.answer(space, request, parts[4], parts[5:])
        if len(parts) >= 5 and parts[3] == "shared_area":
            return workspace_routes.answer(space, request, MASTER, parts[4:])
    if parts in (["api", "audits"], ["api", "shared_spaces", space.id, "audits"]):
        return workspace_routes.answer(space, request, MASTER, ["audits"])
    if request.method != "GET":
        raise not_found()
    response = _get(space, request, parts)
    if response is None:
        raise not_found()
    return response


def _get(space: Space, request: Request, parts: list[str]) -> Response | None:
    if parts == ["api", "current_user"]:
        user = space.find_user(caller_of(request).user_id) or {}
        shown = {key: user.get(key) for key in ("id", "name", "email", "full_name")}
        return object_response({"type": "sharedspace_user", **shown})
    if parts == ["api", "shared_spaces"]:
        return _flat(request, [space.row()], "shared_space")
    if parts[:2] == ["api", "shared_spaces"]:
        if len(parts) == 3:
            return object_response(space.row())
        if parts[3:] == ["workspaces"]:
            return _flat(request, _with_users(space), "workspace")
        if parts[3:] == ["users"]:
            return _flat(request, space.user_rows(), "sharedspace_user")
    return None


def _with_users(space: Space) -> list[dict[str, Any]]:
    """The workspaces, each with references to its users, for the query `users EQ {..}`."""
    rows = space.workspace_rows()
    for row in rows:
        workspace = space.workspaces.get(row["id"])
        users = workspace.store.find("workspace_user") if workspace else []
        row["users"] = [{"type": "sharedspace_user", "id": user["id"]} for user in users]
    return rows


def _flat(request: Request, rows: list[dict[str, Any]], kind: str) -> Response:
    """A collection of rows that are not entities of a workspace."""
    query = request.args.get("query")
    if query:
        node = parse(unwrap(query))
        rows = [row for row in rows if metadata_resources.matches(node, row, kind)]
    limit = whole_number(request.args.get("limit"), "limit", MAX_LIMIT, 1, MAX_LIMIT)
    offset = whole_number(request.args.get("offset"), "offset", 0, 0)
    names = {"type", "id", *(request.args.get("fields") or "id,name").split(",")}
    shown = [{k: _listed(v) for k, v in row.items() if k in names} for row in rows]
    page = [json.dumps(row) for row in shown[offset : offset + limit]]
    return json_response(Page(page, len(rows)).text())


def _listed(value: Any) -> Any:
    return {"total_count": len(value), "data": value} if isinstance(value, list) else value
