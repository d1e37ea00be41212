"""Collections and single entities: which method does what, and how its answer looks.

In: requests to a collection of the field model. Out: answers from reader.py and writer.py. Called
by workspace_routes.py.
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.active_faults import Faults
from octane_simulator.faults.broken_answers import broken_page, shifted_parameters
from octane_simulator.http.wire import (
    body_of,
    caller_of,
    json_response,
    object_response,
    parameters_of,
)
from octane_simulator.model.collection_page import Page
from octane_simulator.model.field_model import EntityDef
from octane_simulator.model.refusals import (
    illegal_value,
    method_not_allowed,
    not_authorized,
    not_found,
)
from octane_simulator.query.grouping import groups
from octane_simulator.query.reader import Caller
from octane_simulator.rules.writer import Outcome, require_list
from octane_simulator.simulated_workspace import MASTER, Workspace

__all__ = ["answer"]

_METHODS = {"GET": "GET", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}

# Work is done in workspaces; the master workspace holds what they share.
_NOT_SHARED = frozenset({
    "work_item", "task", "test", "test_suite_link_to_test", "run", "requirement", "product_area",
    "ci_server", "pipeline",
})  # fmt: skip


def answer(workspace: Workspace, faults: Faults, request: Request, parts: list[str]) -> Response:
    """The answer to a request for a collection, its groups, or one of its entities."""
    entity = workspace.schema.by_collection.get(parts[0])
    if entity is None or len(parts) > 2:
        raise not_found()
    caller = caller_of(request)
    refused = faults.refused.get(entity.name)
    if refused is not None:
        raise not_authorized(f"entity type {entity.name}") if refused == 403 else not_found(refused)
    if not caller.preview and (entity.access_level != "PUBLIC" or parts[0] == "suite_runs"):
        raise not_authorized(f"{parts[0]} needs the technical preview header")
    if parts[1:] == ["groups"] and request.method == "GET":
        result = groups(workspace.reader, entity, parameters_of(request), caller)
        return object_response(result)
    _check_method(request, entity)
    if len(parts) == 2:
        _check_suite_run(workspace, faults, entity, parts[1])
        return _single(workspace, request, entity, parts[1], caller)
    if request.method == "GET":
        parameters = shifted_parameters(faults, request.path, parameters_of(request))
        page = workspace.reader.page(entity, parameters, caller)
        return json_response(
            broken_page(faults, request.path, parameters.get("fields", ""), page).text()
        )
    return _write(workspace, request, entity, caller)


def _check_method(request: Request, entity: EntityDef) -> None:
    posting_runs = entity.name == "run" and request.method == "POST"
    if _METHODS.get(request.method) not in entity.methods and not posting_runs:
        raise method_not_allowed()


def _check_suite_run(
    workspace: Workspace, faults: Faults, entity: EntityDef, identifier: str
) -> None:
    """Refuse a suite run that is asked for in `runs`, on servers that give it in `suite_runs`."""
    status = faults.setting("suite_runs_apart", "status")
    is_aggregate = status and entity.name == "run"
    if is_aggregate and workspace.store.type_of("run", identifier) == "run_suite":
        raise not_authorized("suite runs in runs") if status == 403 else not_found(status)


def _write(workspace: Workspace, request: Request, entity: EntityDef, caller: Caller) -> Response:
    """Create, update or delete many."""
    parameters = parameters_of(request)
    if request.method == "DELETE":
        return _delete(workspace, entity, parameters, caller)
    body = body_of(request)
    if request.method == "POST":
        if workspace.id == MASTER and workspace.schema.family(entity.name) in _NOT_SHARED:
            raise not_authorized(f"{entity.name} belongs into a workspace, not into {MASTER}")
        atomic = parameters.get("is_atomic_creation") == "true"
        outcome = workspace.writer.create(entity, require_list(body), atomic=atomic)
        return _written(workspace, entity, outcome, parameters, caller, 201)
    append = parameters.get("reference_update_mode") == "append"
    if "query" in parameters:
        data = require_list(body) if isinstance(body, dict) and "data" in body else [body]
        if len(data) != 1 or not isinstance(data[0], dict):
            raise illegal_value("An update by query takes exactly one object")
        with workspace.store.lock:
            ids = workspace.reader.ids(entity, parameters["query"], caller)
            rows: list[Any] = [{**data[0], "id": identifier} for identifier in ids]
            outcome = workspace.writer.update(entity, rows, append=append)
    else:
        outcome = workspace.writer.update(entity, require_list(body), append=append)
    return _written(workspace, entity, outcome, parameters, caller, 200)


def _delete(
    workspace: Workspace, entity: EntityDef, parameters: dict[str, str], caller: Caller
) -> Response:
    if "query" not in parameters:
        raise illegal_value("Deleting many entities needs a query")
    with workspace.store.lock:
        ids = workspace.reader.ids(entity, parameters["query"], caller)
        deleted = workspace.reader.rows(entity, ids, "id", caller)
        workspace.writer.delete(entity, ids)
    return json_response(Page(deleted, len(deleted)).text())


def _single(
    workspace: Workspace, request: Request, entity: EntityDef, identifier: str, caller: Caller
) -> Response:
    parameters = parameters_of(request)
    if request.method == "POST":
        raise method_not_allowed()
    if request.method == "DELETE":
        workspace.writer.delete(entity, [identifier])
        return Response("", 200)
    if request.method == "PUT":
        append = parameters.get("reference_update_mode") == "append"
        workspace.writer.update_one(entity, identifier, body_of(request), append=append)
    return json_response(workspace.reader.single(entity, identifier, parameters, caller))


def _written(
    workspace: Workspace,
    entity: EntityDef,
    outcome: Outcome,
    parameters: dict[str, str],
    caller: Caller,
    success: int,
) -> Response:
    fields = parameters.get("fields") or "id"
    rows = workspace.reader.rows(entity, outcome.ids, fields, caller)
    errors = [{"index": index, **error.body()} for index, error in outcome.errors]
    page = Page(rows, len(rows), errors=errors)
    return json_response(page.text(), outcome.status(success))
