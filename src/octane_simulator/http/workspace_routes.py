"""Resources within one workspace, each sent to the module that answers it.

In: the parts of a path below a workspace. Out: answers. Called by space_routes.py.
"""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.active_faults import Faults
from octane_simulator.http import build_routes, entity_routes, metadata_resources, result_routes
from octane_simulator.http.attachment_routes import attachment_routes
from octane_simulator.http.ci_plugin_routes import workspace_plugin_route
from octane_simulator.http.document_reports import finish_tasks, report_route
from octane_simulator.http.history_routes import history_route
from octane_simulator.http.script_routes import script_route
from octane_simulator.http.wire import caller_of, check_accept, json_response, object_response
from octane_simulator.model.refusals import (
    ApiError,
    illegal_value,
    method_not_allowed,
    not_authorized,
    not_found,
)
from octane_simulator.simulated_space import Space
from octane_simulator.simulated_workspace import Workspace
from octane_simulator.store.current_caller import FIRST_USER, caller_id

__all__ = ["answer"]

_SCRIPTED = frozenset({"tests", "manual_tests", "gherkin_tests"})


def answer(space: Space, request: Request, identifier: str, parts: list[str]) -> Response:
    """The answer to a request below `/workspaces/<identifier>`."""
    if identifier in space.forbidden_workspaces:
        raise not_authorized(f"workspace {identifier}")
    workspace = space.find_workspace(identifier)
    if workspace is None:
        raise ApiError(
            404,
            "platform.workspace_not_found",
            f"There is no workspace {identifier}",
            {"entity_type": "workspace", "entity_id": identifier},
        )
    caller = caller_id.get()
    if caller != FIRST_USER and workspace.store.type_of("workspace_user", caller) is None:
        raise not_authorized(f"workspace {identifier}")
    if not parts:
        return object_response(workspace.row())
    special = _special(workspace, space.faults, request, parts)
    if special is not None:
        return special
    check_accept(request)
    if parts[0] == "metadata":
        return _metadata(workspace, space.faults, request, parts[1:])
    response = entity_routes.answer(workspace, space.faults, request, parts)
    if parts[0] == "background_tasks":
        finish_tasks(workspace)  # this answer has shown them running
    return response


def _special(
    workspace: Workspace, faults: Faults, request: Request, parts: list[str]
) -> Response | None:
    """Resources with rules of their own, or None for all others."""
    if parts[0] == "test-results":
        return result_routes.answer(workspace.store, faults, request)
    if parts == ["analytics", "ci", "builds"]:
        return build_routes.answer(workspace.store, request)
    if parts[:2] == ["analytics", "ci"]:
        return workspace_plugin_route(workspace, request, parts[2:])
    history = history_route(workspace, faults, request, parts)
    if history is not None:
        return history
    if parts[0] == "attachments":
        return attachment_routes(workspace, request, parts[1:])
    if len(parts) == 3 and parts[0] == "suite_runs" and parts[2] == "run_auto":
        return _run_auto(workspace, request, parts[1])
    if parts == ["reports"]:
        return report_route(workspace, request)
    if len(parts) == 3 and parts[2] == "script" and parts[0] in _SCRIPTED:
        return script_route(workspace.store, request, parts[1])
    return None


def _run_auto(workspace: Workspace, request: Request, identifier: str) -> Response:
    """`POST suite_runs/{id}/run_auto`: the suite run starts; test results add its runs."""
    if request.method != "POST":
        raise method_not_allowed()
    status = {"type": "list_node", "id": "list_node.run_native_status.not_completed"}
    suite_runs = workspace.schema.entities["run_suite"]
    workspace.writer.update_one(suite_runs, identifier, {"native_status": status})
    return json_response("{}", 201)


def _metadata(workspace: Workspace, faults: Faults, request: Request, parts: list[str]) -> Response:
    if request.method != "GET":
        raise method_not_allowed()
    extra = set(request.args) - {"query"}
    if extra:
        raise illegal_value(f"Metadata takes only the parameter query, not {sorted(extra)[0]}")
    query = request.args.get("query")
    if parts == ["entities"]:
        return object_response(metadata_resources.entities(workspace.store, query))
    if parts == ["fields"]:
        wide = caller_of(request).wide
        fields = metadata_resources.fields(workspace.schema, faults, query, wide=wide)
        return object_response(fields)
    raise not_found()
