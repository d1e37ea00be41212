"""Resources of the shared space: users, workspaces, roles, metadata, licences.

In: requests below `/api/shared_spaces/<id>` that are not about a workspace. Out: answers, or None
for a path that does not exist. Called by space_routes.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http import metadata_resources, workspace_routes
from octane_simulator.http.wire import body_of, json_response, object_response
from octane_simulator.model.collection_page import Page
from octane_simulator.model.refusals import ApiError, method_not_allowed, missing_field
from octane_simulator.query.query_language import parse, unwrap
from octane_simulator.query.reader import MAX_LIMIT, whole_number
from octane_simulator.rules.writer import require_list
from octane_simulator.simulated_space import Space
from octane_simulator.simulated_workspace import MASTER

__all__ = ["flat_page", "space_resource"]

Row = dict[str, Any]
# Answered like the workspace of what all workspaces share.
_SHARED = ("roles", "products", "metadata")


def space_resource(space: Space, request: Request, parts: list[str]) -> Response | None:
    """The answer of a resource of the space; `parts` is the path below it."""
    if parts and parts[0] in _SHARED:
        return workspace_routes.answer(space, request, MASTER, parts)
    if not parts:
        return object_response(space.row())
    resource = _RESOURCES.get(parts[0]) if len(parts) == 1 else None
    if resource is None:
        return None
    rows, kind, add = resource
    if request.method == "GET":
        return flat_page(request, rows(space), kind)
    if request.method != "POST" or add is None:
        raise method_not_allowed()
    return _created(space, require_list(body_of(request)), kind, add)


def _created(
    space: Space, rows: list[Any], kind: str, add: Callable[[Space, Row], str]
) -> Response:
    """The ids of new rows; a refused row is an error with its index."""
    ids: list[str] = []
    errors: list[Row] = []
    status = 409
    for index, row in enumerate(rows):
        try:
            ids.append(add(space, row if isinstance(row, dict) else {}))
        except ApiError as error:
            errors.append({"index": index, **error.body()})
            status = error.status if len(rows) == 1 else 409
    texts = [json.dumps({"type": kind, "id": identifier}) for identifier in ids]
    page = Page(texts, len(texts), errors=errors)
    return json_response(page.text(), status if errors else 201)


def _add_user(space: Space, row: Row) -> str:
    """A user of the workspaces of the named workspace roles, or of the first workspace."""
    roles = row.get("workspace_roles") or {}
    named = [str(role.get("id")) for role in roles.get("data", [])]
    workspaces = {entry["id"]: entry["workspace"]["id"] for entry in space.role_rows()}
    chosen = list(dict.fromkeys(workspaces[role] for role in named if role in workspaces))
    return space.add_user(row, chosen or [space.first.id])


def _add_workspace(space: Space, row: Row) -> str:
    if not isinstance(row.get("name"), str) or not row["name"]:
        raise missing_field("workspace", "name")
    return space.add_workspace(row["name"]).id


def _with_users(space: Space) -> list[Row]:
    """The workspaces, each with references to its users, for the query `users EQ {..}`."""
    rows = space.workspace_rows()
    for row in rows:
        workspace = space.workspaces.get(row["id"])
        users = workspace.store.find("workspace_user") if workspace else []
        row["users"] = [{"type": "sharedspace_user", "id": user["id"]} for user in users]
    return rows


def _licenses(space: Space) -> list[Row]:
    return [{"type": "tenant_license", "id": "1001", "name": "Simulated licence",
             "capacity": 100, "used": len(space.user_rows())}]  # fmt: skip


def _no_rows(space: Space) -> list[Row]:
    return []


_RESOURCES: dict[
    str, tuple[Callable[[Space], list[Row]], str, Callable[[Space, Row], str] | None]
] = {
    "users": (Space.user_rows, "sharedspace_user", _add_user),
    "workspaces": (_with_users, "workspace", _add_workspace),
    "workspace_roles": (Space.role_rows, "workspace_role", None),
    "tenant_licenses": (_licenses, "tenant_license", None),
    "timesheet": (_no_rows, "timesheet", None),
}


def flat_page(request: Request, rows: list[Row], kind: str) -> Response:
    """A collection of rows that are not entities of a workspace."""
    query = request.args.get("query")
    if query:
        node = parse(unwrap(query))
        rows = [row for row in rows if metadata_resources.matches(node, row, kind)]
    limit = whole_number(request.args.get("limit"), "limit", MAX_LIMIT, 1, MAX_LIMIT)
    offset = whole_number(request.args.get("offset"), "offset", 0, 0)
    requested = request.args.get("fields") or "id,name"
    names = {"type", "id", *(name.partition("{")[0].strip("} ") for name in requested.split(","))}
    shown = [{k: _listed(v) for k, v in row.items() if k in names} for row in rows]
    page = [json.dumps(row) for row in shown[offset : offset + limit]]
    return json_response(Page(page, len(rows)).text())


def _listed(value: Any) -> Any:
    return {"total_count": len(value), "data": value} if isinstance(value, list) else value
