"""The simulator's own control route: its state, its clock and its faults.

In: requests below /simulator/ from this machine. Out: state and faults as JSON. Called by
application.py before sign-in; the real server has nothing like it. The page at `/` documents it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http import start_page
from octane_simulator.http.authentication import Authentication
from octane_simulator.http.wire import body_of, object_response
from octane_simulator.model.refusals import illegal_value, method_not_allowed, not_found
from octane_simulator.simulated_space import Space
from octane_simulator.store.simulated_clock import Clock

__all__ = ["control", "state"]

# The methods of each path; all of them answer with state or faults.
_PATHS: dict[str, tuple[str, ...]] = {
    "/simulator/state": ("GET",),
    "/simulator/clock": ("PUT",),
    "/simulator/faults": ("GET", "POST", "PUT", "DELETE"),
}


def state(space: Space, auth: Authentication, requests: int) -> dict[str, Any]:
    """Row counts of the first workspace, clock and counters."""
    store = space.first.store
    counts = {
        family: store.read(f'SELECT count(*) FROM "{family}"')[0][0]
        for family in space.first.schema.families()
    }
    return {
        "now": space.clock.now().isoformat(),
        "frozen": space.clock.frozen,
        "requests": requests,
        "sign_ins": auth.sign_ins,
        "faults_served": space.faults.served,
        "rows": counts,
    }


def control(
    space: Space, current_state: Callable[[], dict[str, Any]], request: Request
) -> Response:
    """State, clock, faults and the list of choices."""
    if request.remote_addr not in {None, "127.0.0.1", "::1"}:
        raise not_found()
    method, path = request.method, request.path
    if (method, path) == ("GET", "/simulator/choices"):
        return start_page.choices()
    if path not in _PATHS:
        raise not_found()
    if method not in _PATHS[path]:
        raise method_not_allowed()
    body = body_of(request, check_type=False) if method in {"POST", "PUT"} else {}
    try:
        if path == "/simulator/clock":
            _set_clock(space.clock, body)
        elif path == "/simulator/faults":
            _switch_faults(space, method, body)
            return object_response(space.faults.shown())
        return object_response(current_state())
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise illegal_value(f"The control request is wrong: {error}") from error


def _set_clock(clock: Clock, body: dict[str, Any]) -> None:
    unknown = set(body) - {"now", "frozen", "advance"}
    if unknown:
        raise ValueError(f"unknown keys {', '.join(sorted(unknown))}; use now, frozen, advance")
    if body.get("now") or "frozen" in body:
        moment = datetime.fromisoformat(body["now"]) if body.get("now") else clock.now()
        clock.set(moment, frozen=bool(body.get("frozen", True)))
    if "advance" in body:
        clock.advance(float(body["advance"]))


def _switch_faults(space: Space, method: str, body: dict[str, Any]) -> None:
    if method == "POST":
        space.faults.apply({"add": [body]})
    elif method == "PUT":
        space.faults.apply(body)
    elif method == "DELETE":
        space.faults.clear()
