"""The simulator's own control route: its state, its clock and its faults.

In: requests below /simulator/ from this machine. Out: the state as JSON. Called by app.py before
sign-in; the real server has nothing like it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from octane_flows.simulator.answers import illegal_value, not_found
from octane_flows.simulator.wire import body_of, json_response

if TYPE_CHECKING:
    from octane_flows.simulator.core import Simulator

__all__ = ["control"]


def control(simulator: Simulator, request: Request) -> Response:
    """`GET /simulator/state`, `PUT /simulator/clock` and `PUT /simulator/faults`."""
    if request.remote_addr not in {None, "127.0.0.1", "::1"}:
        raise not_found()
    if request.path == "/simulator/state" and request.method == "GET":
        return json_response(json.dumps(simulator.state()))
    if request.method != "PUT":
        raise not_found(405, "HTTP 405 Method Not Allowed")
    body = body_of(request, check_type=False)
    try:
        if request.path == "/simulator/clock":
            moment = datetime.fromisoformat(body["now"]) if body.get("now") else None
            frozen = bool(body.get("frozen", True))
            simulator.clock.set(moment or simulator.clock.now(), frozen=frozen)
        elif request.path == "/simulator/faults":
            simulator.faults.apply(body)
        else:
            raise not_found()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise illegal_value(f"The control request is wrong: {error}") from error
    return json_response(json.dumps(simulator.state()))
