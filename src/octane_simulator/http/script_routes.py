"""The script of a test: `GET` and `PUT` of `tests/{id}/script`.

In: requests with the id of a test. Out: the script as JSON; every `PUT` makes a revision. Called by
workspace_routes.py.
"""

from __future__ import annotations

from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http.wire import object_response
from octane_simulator.model.refusals import entity_not_found, illegal_value, method_not_allowed
from octane_simulator.model.strict_json import json_value
from octane_simulator.rules.script_revisions import revise, script_of
from octane_simulator.store.entity_store import Store

__all__ = ["script_route"]

_TYPES_WITH_SCRIPT = frozenset({"test_manual", "gherkin_test"})
_REVISION_TYPES = frozenset({"Minor", "Major"})


def script_route(store: Store, request: Request, identifier: str) -> Response:
    """The answer to a request for the script of a test."""
    kind = store.type_of("test", identifier)
    if kind not in _TYPES_WITH_SCRIPT:
        raise entity_not_found("test", identifier)
    if request.method == "PUT":
        with store.transaction():
            revise(store, str(kind), identifier, _script_body(request))
    elif request.method != "GET":
        raise method_not_allowed()
    return object_response(script_of(store, identifier))


def _script_body(request: Request) -> dict[str, Any]:
    """The checked body of a `PUT`."""
    try:
        body = json_value(request.get_data())
    except ValueError as error:
        raise illegal_value("The body of a script is not valid JSON") from error
    if not isinstance(body, dict) or not isinstance(body.get("script"), str):
        raise illegal_value("The body of a script is an object with the text 'script'")
    if body.get("revision_type", "Minor") not in _REVISION_TYPES:
        raise illegal_value("revision_type is Minor or Major")
    if not isinstance(body.get("comment") or "", str):
        raise illegal_value("The comment of a revision is text")
    return body
