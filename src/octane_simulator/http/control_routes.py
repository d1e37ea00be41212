"""The simulator's own control route: its state, its clock and its faults.

In: requests below /simulator/ from this machine. Out: state and faults as JSON. Called by
application.py before sign-in; the real server has nothing like it. The page at `/` documents it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from octane_simulator.http import start_page
from octane_simulator.http.wire import body_of, json_response
from octane_simulator.model.refusals import illegal_value, method_not_allowed, not_found

if TYPE_CHECKING:
    from octane_simulator.simulator import Simulator

__all__ = ["control"]


def control(simulator: Simulator, request: Request) -> Response:
    """State, clock, faults and the list of choices."""
    if request.remote_addr not in {None, "127.0.0.1", "::1"}:
        raise not_found()
    if (request.method, request.path) == ("GET", "/simulator/choices"):
        return start_page.choices()
    act = _ROUTES.get((request.method, request.path))
    if act is None:
        known = any(path == request.path for _, path in _ROUTES)
        raise method_not_allowed() if known else not_found()
    body = body_of(request, check_type=False) if request.method in {"POST", "PUT"} else {}
    try:
        return json_response(json.dumps(act(simulator, body)))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise illegal_value(f"The control request is wrong: {error}") from error


def _state(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    return simulator.state()


def _clock(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    unknown = set(body) - {"now", "frozen", "advance"}
    if unknown:
        raise ValueError(f"unknown keys {', '.join(sorted(unknown))}; known: now, frozen, advance")
    clock = simulator.clock
    if body.get("now") or "frozen" in body:
        moment = datetime.fromisoformat(body["now"]) if body.get("now") else clock.now()
        clock.set(moment, frozen=bool(body.get("frozen", True)))
    if "advance" in body:
        clock.advance(float(body["advance"]))
    return simulator.state()


def _faults(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    return simulator.faults.shown()


def _one_fault(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.faults.apply({"add": [body]})
    return simulator.faults.shown()


def _many_faults(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.faults.apply(body)
    return simulator.faults.shown()


def _no_faults(simulator: Simulator, body: dict[str, Any]) -> dict[str, Any]:
    simulator.faults.clear()
    return simulator.faults.shown()


_ROUTES: dict[tuple[str, str], Callable[[Simulator, dict[str, Any]], dict[str, Any]]] = {
    ("GET", "/simulator/state"): _state,
    ("PUT", "/simulator/clock"): _clock,
    ("GET", "/simulator/faults"): _faults,
    ("POST", "/simulator/faults"): _one_fault,
    ("PUT", "/simulator/faults"): _many_faults,
    ("DELETE", "/simulator/faults"): _no_faults,
}
