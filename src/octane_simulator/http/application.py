"""The WSGI application: faults, sign-in and the way to the routes.

In: WSGI requests. Out: answers. What a signed-in caller may ask is in space_routes.py (outside
workspaces) and workspace_routes.py (within one); the control route is in control_routes.py, the
page at `/` in start_page.py.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.broken_answers import instead, stamped
from octane_simulator.http import space_routes, start_page
from octane_simulator.http.control_routes import control
from octane_simulator.http.token_routes import token_routes
from octane_simulator.http.wire import compress, json_response, request_of
from octane_simulator.model.refusals import ApiError, correlation_ids, next_ids
from octane_simulator.store.current_caller import caller_id

if TYPE_CHECKING:
    from octane_simulator.simulator import Simulator

__all__ = ["Application"]

StartResponse = Callable[..., Any]


class Application:
    """Callable as WSGI; `simulator` holds all state."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.requests = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._lock:
            self.requests += 1
            number = self.requests
        next_ids.set(correlation_ids(f"{self.simulator.seed}/{number}"))
        try:
            request = request_of(environ)
            response = self._answer(request)
        except ApiError as error:
            request = Request(environ)
            response = json_response(json.dumps(error.body()), error.status)
        faults, path = self.simulator.faults, request.path
        skew = faults.setting("clock_skew", "seconds") or 0.0
        response.headers["Date"] = self.simulator.clock.http_date(skew)
        if _is_served(path):
            if faults.take("empty_body", path):
                response.set_data(b"")
            environ["octane_flows.cut_body"] = faults.take("cut_body", path) is not None
        compress(request, response)
        request.close()
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = request.path
        if path == "/" and request.method == "GET":
            return start_page.home(self.simulator, request)
        if not _is_served(path):
            return control(self.simulator, request)
        broken = instead(self.simulator, request)
        if broken is not None:
            return broken
        auth, faults = self.simulator.auth, self.simulator.faults
        if path == "/authentication/sign_in" and request.method == "POST":
            return auth.sign_in(request)
        if path == "/authentication/sign_out" and request.method == "POST":
            return auth.sign_out(request)
        granted = token_routes(auth, request)
        if granted is not None:
            return granted
        expiry = faults.take("expire", path)
        if expiry is not None:
            auth.expire_all(absolute=expiry.options["reason"] == "absolute")
        caller = auth.caller(request)
        if isinstance(caller, Response):
            return caller
        before = caller_id.set(caller)
        try:
            with stamped(self.simulator, request):
                response = space_routes.answer(self.simulator, request)
        finally:
            caller_id.reset(before)
        auth.renew(request, response, force=faults.take("rotate", path) is not None)
        return response


def _is_served(path: str) -> bool:
    """Whether a path is the simulated server's, not the simulator's own."""
    return path != "/" and not path.startswith("/simulator/")
