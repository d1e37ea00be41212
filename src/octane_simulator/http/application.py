"""The WSGI application: faults, sign-in and the way to the routes.

In: WSGI requests. Out: answers. The resources for a signed-in caller are in space_routes.py
(outside workspaces) and workspace_routes.py (within one). The control route is in
control_routes.py, the page at `/` in start_page.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.faults.broken_answers import replacing_answer, time_of_write
from octane_simulator.http import space_routes, start_page
from octane_simulator.http.authentication import Authentication
from octane_simulator.http.control_routes import control, state
from octane_simulator.http.token_routes import token_routes
from octane_simulator.http.wire import (
    CUT_BODY,
    compress,
    object_response,
    request_of,
)
from octane_simulator.model.refusals import ApiError, correlation_ids, next_ids
from octane_simulator.simulated_space import Space
from octane_simulator.store.current_caller import caller_id

__all__ = ["Application"]

StartResponse = Callable[..., Any]


class Application:
    """Callable as WSGI; it counts its requests, all other state is in the space."""

    def __init__(self, space: Space, auth: Authentication, seed: int) -> None:
        self.requests = 0
        self._space = space
        self._auth = auth
        self._seed = seed
        self._lock = threading.Lock()

    def state(self) -> dict[str, Any]:
        """Row counts, clock and counters, as the control route shows them."""
        return state(self._space, self._auth, self.requests)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._lock:
            self.requests += 1
            number = self.requests
        next_ids.set(correlation_ids(f"{self._seed}/{number}"))
        try:
            request = request_of(environ)
            response = self._answer(request)
        except ApiError as error:
            request = Request(environ)
            response = object_response(error.body(), error.status)
        faults, path = self._space.faults, request.path
        skew = faults.setting("clock_skew", "seconds") or 0.0
        response.headers["Date"] = self._space.clock.http_date(skew)
        if _is_served(path):
            if faults.take("empty_body", path):
                response.set_data(b"")
            environ[CUT_BODY] = faults.take("cut_body", path) is not None
        compress(request, response)
        request.close()
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        space, auth = self._space, self._auth
        faults, path = space.faults, request.path
        if path == "/" and request.method == "GET":
            return start_page.home(space, auth, request)
        if not _is_served(path):
            return control(space, self.state, request)
        broken = replacing_answer(faults, space.clock, request)
        if broken is not None:
            return broken
        if path == "/authentication/sign_in" and request.method == "POST":
            return auth.sign_in(request)
        if path == "/authentication/sign_out" and request.method == "POST":
            return auth.sign_out(request)
        version = space_routes.server_version(request)
        if version is not None:
            return version
        token_response = token_routes(auth, request)
        if token_response is not None:
            return token_response
        expiry = faults.take("expire", path)
        if expiry is not None:
            auth.expire_all(absolute=expiry.options["reason"] == "absolute")
        caller = auth.caller(request)
        if isinstance(caller, Response):
            return caller
        previous_caller = caller_id.set(caller)
        try:
            with time_of_write(faults, space.clock, request):
                response = space_routes.answer(space, request)
        finally:
            caller_id.reset(previous_caller)
        auth.renew(request, response, force=faults.take("rotate", path) is not None)
        return response


def _is_served(path: str) -> bool:
    """Whether a path is the simulated server's, not the simulator's own."""
    return path != "/" and not path.startswith("/simulator/")
