"""Resources outside workspaces: the caller, the version, spaces, their workspaces and users.

In: requests of signed-in callers. Out: answers; what lies below a workspace goes on to
workspace_routes.py. Called by application.py.
"""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from octane_simulator.http import workspace_routes
from octane_simulator.http.ci_plugin_routes import plugin_route
from octane_simulator.http.history_routes import history_elsewhere
from octane_simulator.http.space_resources import flat_page, space_resource
from octane_simulator.http.wire import caller_of, object_response
from octane_simulator.model.refusals import not_found
from octane_simulator.simulated_space import Space
from octane_simulator.simulated_workspace import MASTER

__all__ = ["answer", "server_version"]

VERSION = {
    "version": "26.2.1.40",
    "build_date": "2026-06-30 10:00",
    "build_revision": "simulated",
    "build_number": "40",
    "display_version": "26.2.1.40",
}


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
    if parts[:2] == ["internal-api", "shared_spaces"] and len(parts) >= 3:
        if parts[2] != space.id:
            raise not_found(404, f"SharedSpaceNotFoundException: no shared space {parts[2]}")
        return _or_not_found(plugin_route(space, request, VERSION["version"], parts[3:]))
    if parts in (["api", "audits"], ["api", "shared_spaces", space.id, "audits"]):
        return workspace_routes.answer(space, request, MASTER, ["audits"])
    if parts[:2] == ["admin", "metadata"]:
        return workspace_routes.answer(space, request, MASTER, parts[1:])
    if parts[:2] == ["api", "shared_spaces"] and len(parts) >= 3:
        return _or_not_found(space_resource(space, request, parts[3:]))
    return _or_not_found(_get(space, request, parts) if request.method == "GET" else None)


def _or_not_found(response: Response | None) -> Response:
    if response is None:
        raise not_found()
    return response


def _get(space: Space, request: Request, parts: list[str]) -> Response | None:
    if parts == ["api", "current_user"]:
        user = space.find_user(caller_of(request).user_id) or {}
        shown = {key: user.get(key) for key in ("id", "name", "email", "full_name")}
        return object_response({"type": "sharedspace_user", **shown})
    if parts == ["api", "shared_spaces"]:
        return flat_page(request, [space.row()], "shared_space")
    return None
