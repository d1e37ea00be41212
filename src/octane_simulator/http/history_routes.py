"""The change history of a workspace over HTTP: `history_logs`.

In: requests of signed-in callers. Out: pages of records, or the refusals that live servers give.
Called by workspace_routes.py; space_routes.py refuses the history of every other level.
"""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.active_faults import Faults
from octane_simulator.http.wire import caller_of, check_accept, json_response, parameters_of
from octane_simulator.model.refusals import (
    ApiError,
    method_not_allowed,
    not_authorized,
    not_found,
)
from octane_simulator.query.history_logs import ENTITY_TYPE, history_page
from octane_simulator.simulated_workspace import Workspace

__all__ = ["HISTORY_NAMES", "history_elsewhere", "history_route"]

HISTORY_NAMES = ("history_logs", "history_records", "historys")


def history_route(
    workspace: Workspace, faults: Faults, request: Request, parts: list[str]
) -> Response | None:
    """The records of a workspace, or None for another resource."""
    saves = faults.setting("history_records", "form") == "saves"
    if parts != ["history_logs"] and not (saves and parts == ["history_records"]):
        return None
    check_accept(request)
    if request.method != "GET":
        raise method_not_allowed()
    if not caller_of(request).preview:
        raise not_authorized(f"{parts[0]} needs the technical preview header")
    entity_type = ENTITY_TYPE if parts[0] == "history_logs" else "history_record"
    refused = faults.refused.get(entity_type)
    if refused is not None:
        raise not_authorized(parts[0]) if refused == 403 else not_found(refused)
    return json_response(history_page(workspace.store, faults, parameters_of(request)).text())


def history_elsewhere(parts: list[str]) -> ApiError | None:
    """The refusal of a path that asks for the history of the site, the space or its shared area."""
    if parts and parts[-1] in HISTORY_NAMES and parts[0] == "api":
        return not_authorized("the change history is that of a workspace")
    return None
