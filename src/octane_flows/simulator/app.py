"""The WSGI application: faults, sign-in and the way to the routes.

In: WSGI requests. Out: answers. What a signed-in caller may ask is in routes_site.py (outside
workspaces) and routes_workspace.py (within one); the control route is in control.py.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from octane_flows.simulator import routes_site
from octane_flows.simulator.answers import ApiError
from octane_flows.simulator.control import control
from octane_flows.simulator.misbehave import instead
from octane_flows.simulator.wire import compress, json_response, request_of

if TYPE_CHECKING:
    from octane_flows.simulator.core import Simulator

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
        try:
            request = request_of(environ)
            response = self._answer(request)
        except ApiError as error:
            request = Request(environ)
            response = json_response(json.dumps(error.body()), error.status)
        response.headers["Date"] = self.simulator.clock.http_date()
        compress(request, response)
        fault = self.simulator.faults.take("cut_body", request.path)
        if fault is not None:
            environ["octane_flows.cut_body"] = True
        request.close()
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        path = request.path
        if path.startswith("/simulator/"):
            return control(self.simulator, request)
        auth, faults = self.simulator.auth, self.simulator.faults
        if path == "/authentication/sign_in" and request.method == "POST":
            return auth.sign_in(request)
        if path == "/authentication/sign_out" and request.method == "POST":
            return auth.sign_out(request)
        broken = instead(self.simulator, request)
        if broken is not None:
            return broken
        if faults.expire_sessions:
            faults.expire_sessions = False
            auth.expire_all()
        refusal = auth.refusal(request, faults.expiry_code)
        if refusal is not None:
            return refusal
        response = routes_site.answer(self.simulator, request)
        force, faults.rotate_cookie = faults.rotate_cookie, False
        auth.renew(request, response, force=force)
        return response
