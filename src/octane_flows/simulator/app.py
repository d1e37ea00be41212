"""The WSGI application: paths, methods, headers and error bodies of the server.

In: WSGI requests. Out: JSON answers. Data come from reads.py, writes.py and metadata.py; automated
results and builds are handled by test_results.py and ci.py.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from octane_flows.simulator import metadata
from octane_flows.simulator.answers import ApiError, illegal_value, not_authorized, not_found
from octane_flows.simulator.query import parse, unwrap
from octane_flows.simulator.reads import Caller, Page, whole
from octane_flows.simulator.schema import EntityDef
from octane_flows.simulator.special import attachment_routes, script_route
from octane_flows.simulator.writes import Outcome, require_list

if TYPE_CHECKING:
    from octane_flows.simulator.core import Simulator

__all__ = ["Application"]

VERSION = {
    "version": "26.2.1.40", "build_date": "2026-06-30 10:00", "build_revision": "simulated",
    "build_number": "40", "display_version": "26.2 (octane-flows simulator)",
}  # fmt: skip
_WORKSPACE = re.compile(r"/api/shared_spaces/([^/]+)/workspaces/([^/]+)(?:/(.*))?$")
_HTML_503 = "<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
_HTML_LOGIN = "<html><head><title>Sign in</title></head><body>Please sign in</body></html>"
_PREVIEW_CLIENTS = frozenset({
    "HPE_REST_API_TECH_PREVIEW", "ALM_OCTANE_TECH_PREVIEW", "IT_PUBLIC_TECH_PREVIEW", "IT_PRIVATE",
})  # fmt: skip
_METHODS = {"GET": "GET", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}
GZIP_FROM = 1024
StartResponse = Callable[..., Any]


class Application:
    """Callable as WSGI; `simulator` holds all state."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.requests = 0
        self._lock = threading.Lock()
        self._pages: dict[str, list[str]] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        with self._lock:
            self.requests += 1
        try:
            request = _request(environ)
            response = self._answer(request)
        except ApiError as error:
            request = Request(environ)
            response = _json(json.dumps(error.body()), error.status)
        response.headers["Date"] = self.simulator.clock.http_date()
        _compress(request, response)
        fault = self.simulator.faults.take("cut_body", request.path)
        if fault is not None:
            environ["octane_flows.cut_body"] = True
        request.close()
        return response(environ, start_response)

    # -- before the resources -------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        path = request.path
        if path.startswith("/simulator/"):
            return self._control(request)
        auth, faults = self.simulator.auth, self.simulator.faults
        if path == "/authentication/sign_in" and request.method == "POST":
            return auth.sign_in(request)
        if path == "/authentication/sign_out" and request.method == "POST":
            return auth.sign_out(request)
        broken = self._broken(request)
        if broken is not None:
            return broken
        if faults.expire_sessions:
            faults.expire_sessions = False
            auth.expire_all()
        refusal = auth.refusal(request, faults.expiry_code)
        if refusal is not None:
            return refusal
        response = self._resource(request)
        force, faults.rotate_cookie = faults.rotate_cookie, False
        auth.renew(request, response, force=force)
        return response

    def _broken(self, request: Request) -> Response | None:
        """The answer of a fault that replaces the real one."""
        faults, path = self.simulator.faults, request.path
        fault = faults.take("latency", path)
        if fault is not None:
            time.sleep(float(fault.options.get("seconds", 0.1)))
        if faults.take("unavailable", path):
            return Response(_HTML_503, 503, content_type="text/html")
        if faults.take("error_500", path):
            return Response("", 500)
        fault = faults.take("too_many_requests", path)
        if fault is not None:
            response = Response("", 429)
            wait = fault.options.get("retry_after")
            if wait is not None and fault.options.get("as_date"):
                moment = self.simulator.clock.now() + timedelta(seconds=float(wait))
                wait = format_datetime(moment, usegmt=True)
            if wait is not None:
                response.headers["Retry-After"] = str(wait)
            return response
        if faults.take("html_200", path):
            return Response(_HTML_LOGIN, 200, content_type="text/html")
        return None

    def _control(self, request: Request) -> Response:
        if request.remote_addr not in {None, "127.0.0.1", "::1"}:
            raise not_found()
        simulator = self.simulator
        if request.path == "/simulator/state" and request.method == "GET":
            return _json(json.dumps(simulator.state()))
        if request.method != "PUT":
            raise not_found(405, "HTTP 405 Method Not Allowed")
        body = _body(request, check_type=False)
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
        return _json(json.dumps(simulator.state()))

    # -- resources outside workspaces -----------------------------------------------------------

    def _resource(self, request: Request) -> Response:
        path = request.path
        match = _WORKSPACE.match(path)
        if match:
            self._check_space(match[1])
            return self._workspace(request, match[2], match[3] or "")
        if request.method == "GET":
            caller = _caller(request)
            user = self.simulator.store.get("workspace_user", caller.user_id) or {}
            if path == "/api/current_user":
                shown = {key: user.get(key) for key in ("id", "name", "email", "full_name")}
                return _json(json.dumps({"type": "sharedspace_user", **shown}))
            if path == "/admin/server/version":
                return _json(json.dumps(VERSION))
            if path.rstrip("/") == "/api/shared_spaces":
                return self._flat(request, [self.simulator.space_row()], "shared_space")
            parts = path.strip("/").split("/")
            if len(parts) >= 3 and parts[:2] == ["api", "shared_spaces"]:
                self._check_space(parts[2])
                if len(parts) == 3:
                    return _json(json.dumps(self.simulator.space_row()))
                if parts[3:] == ["workspaces"]:
                    return self._flat(request, self.simulator.workspace_rows(), "workspace")
        raise not_found()

    def _check_space(self, space: str) -> None:
        if space != self.simulator.shared_space:
            raise not_found(404, f"SharedSpaceNotFoundException: no shared space {space}")

    def _flat(self, request: Request, rows: list[dict[str, Any]], kind: str) -> Response:
        query = request.args.get("query")
        if query:
            node = parse(unwrap(query))
            rows = [row for row in rows if metadata.matches(node, row, kind)]
        limit = whole(request.args.get("limit"), "limit", 50, 1, 1000)
        offset = whole(request.args.get("offset"), "offset", 0, 0)
        names = {"type", "id", *request.args.get("fields", "id,name").split(",")}
        shown = [{k: v for k, v in row.items() if k in names} for row in rows]
        return _json(Page([json.dumps(r) for r in shown[offset : offset + limit]],
                          len(rows)).text())  # fmt: skip

    # -- one workspace --------------------------------------------------------------------------

    def _workspace(self, request: Request, workspace: str, rest: str) -> Response:
        simulator = self.simulator
        if workspace in simulator.forbidden_workspaces:
            raise not_authorized(f"workspace {workspace}")
        if workspace != simulator.workspace:
            raise ApiError(
                404, "platform.workspace_not_found", f"There is no workspace {workspace}",
                {"entity_type": "workspace", "entity_id": workspace},
            )  # fmt: skip
        parts = rest.strip("/").split("/") if rest.strip("/") else []
        if not parts:
            row = next(r for r in simulator.workspace_rows() if r["id"] == workspace)
            return _json(json.dumps(row))
        if parts[0] == "test-results":
            return _delegate("test_results", simulator.store, request)
        if parts == ["analytics", "ci", "builds"]:
            return _delegate("ci", simulator.store, request)
        if parts[0] == "attachments":
            special = attachment_routes(simulator, request, parts[1:])
            if special is not None:
                return special
        if parts[0] == "tests" and len(parts) == 3 and parts[2] == "script":
            return script_route(simulator.store, request, parts[1])
        _check_accept(request)
        if parts[0] == "metadata":
            return self._metadata(request, parts[1:])
        entity = simulator.schema.by_collection.get(parts[0])
        if entity is None:
            raise not_found()
        caller = _caller(request)
        if simulator.faults.refused & {entity.name, parts[0]}:
            raise not_authorized(f"entity type {entity.name}")
        if not caller.preview and (entity.access_level != "PUBLIC" or parts[0] == "suite_runs"):
            raise not_authorized(f"{parts[0]} needs the technical preview header")
        if len(parts) == 1:
            return self._collection(request, entity, caller)
        if len(parts) == 2 and parts[1] == "groups" and request.method == "GET":
            return _json(json.dumps(simulator.reader.groups(entity, _parameters(request), caller)))
        if len(parts) == 2:
            return self._single(request, entity, parts[1], caller)
        raise not_found()

    def _metadata(self, request: Request, parts: list[str]) -> Response:
        if request.method != "GET":
            raise not_found(405, "HTTP 405 Method Not Allowed")
        extra = set(request.args) - {"query"}
        if extra:
            raise illegal_value(f"Metadata takes only the parameter query, not {sorted(extra)[0]}")
        query = request.args.get("query")
        simulator = self.simulator
        if parts == ["entities"]:
            return _json(json.dumps(metadata.entities(simulator.schema, query)))
        if parts == ["fields"]:
            return _json(json.dumps(metadata.fields(simulator.schema, simulator.faults, query)))
        raise not_found()

    def _check_method(self, request: Request, entity: EntityDef) -> None:
        posting_runs = entity.name == "run" and request.method == "POST"
        if _METHODS.get(request.method) not in entity.methods and not posting_runs:
            raise not_found(405, "HTTP 405 Method Not Allowed")

    def _collection(self, request: Request, entity: EntityDef, caller: Caller) -> Response:
        self._check_method(request, entity)
        simulator, parameters = self.simulator, _parameters(request)
        if request.method == "GET":
            page = simulator.reader.page(entity, parameters, caller)
            return _json(self._spoil(request, page).text())
        if request.method == "DELETE":
            if "query" not in parameters:
                raise illegal_value("Deleting many entities needs a query")
            with simulator.store.lock:
                ids = simulator.reader.ids(entity, parameters["query"], caller)
                deleted = simulator.reader.rows(entity, ids, "id", caller)
                simulator.writer.delete(entity, ids)
            return _json(Page(deleted, len(deleted)).text())
        body = _body(request)
        if request.method == "POST":
            atomic = parameters.get("is_atomic_creation") == "true"
            outcome = simulator.writer.create(entity, require_list(body), atomic=atomic)
            return self._written(entity, outcome, parameters, caller, 201)
        append = parameters.get("reference_update_mode") == "append"
        if "query" in parameters:
            data = require_list(body) if isinstance(body, dict) and "data" in body else [body]
            if len(data) != 1 or not isinstance(data[0], dict):
                raise illegal_value("An update by query takes exactly one object")
            with simulator.store.lock:
                ids = simulator.reader.ids(entity, parameters["query"], caller)
                rows: list[Any] = [{**data[0], "id": one} for one in ids]
                outcome = simulator.writer.update(entity, rows, append=append)
        else:
            outcome = simulator.writer.update(entity, require_list(body), append=append)
        return self._written(entity, outcome, parameters, caller, 200)

    def _single(
        self, request: Request, entity: EntityDef, identifier: str, caller: Caller
    ) -> Response:
        self._check_method(request, entity)
        simulator, parameters = self.simulator, _parameters(request)
        if request.method == "POST":
            raise not_found(405, "HTTP 405 Method Not Allowed")
        if request.method == "DELETE":
            simulator.writer.delete(entity, [identifier])
            return Response("", 200)
        if request.method == "PUT":
            append = parameters.get("reference_update_mode") == "append"
            simulator.writer.update_one(entity, identifier, _body(request), append=append)
        return _json(simulator.reader.one(entity, identifier, parameters, caller))

    def _written(
        self,
        entity: EntityDef,
        outcome: Outcome,
        parameters: dict[str, str],
        caller: Caller,
        success: int,
    ) -> Response:
        fields = parameters.get("fields") or "id"
        rows = self.simulator.reader.rows(entity, outcome.ids, fields, caller)
        errors = [{"index": index, **error.body()} for index, error in outcome.errors]
        page = Page(rows, len(rows), errors=errors)
        return _json(page.text(), outcome.status(success))

    def _spoil(self, request: Request, page: Page) -> Page:
        """Faults that change a page."""
        faults, path = self.simulator.faults, request.path
        honest = page.rows
        if faults.take("short_page", path):
            page.rows = page.rows[: len(page.rows) // 2]
        if page.rows and faults.take("duplicate_row", path):
            page.rows = [page.rows[0], *page.rows]
        if path in self._pages and faults.take("repeated_page", path):
            page.rows = self._pages[path]
        if faults.take("low_total", path):
            page.total_count = max(0, page.total_count - 1)
            page.exceeds = True
        self._pages[path] = honest
        return page


# -- helpers ------------------------------------------------------------------------------------


def _request(environ: dict[str, Any]) -> Request:
    """The request with its body unpacked."""
    if environ.get("HTTP_CONTENT_ENCODING", "").lower() == "gzip":
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            body = gzip.decompress(environ["wsgi.input"].read(length))
        except (OSError, EOFError, zlib.error) as error:
            raise not_found(400, "The request body is not valid gzip") from error
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        del environ["HTTP_CONTENT_ENCODING"]
    return Request(environ)


def _json(text: str, status: int = 200) -> Response:
    response = Response(text.encode(), status)
    response.headers["Content-Type"] = "application/json"
    return response


def _compress(request: Request, response: Response) -> None:
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return
    data = response.get_data()
    if len(data) >= GZIP_FROM and "Content-Encoding" not in response.headers:
        response.set_data(gzip.compress(data, 1))
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"


def _check_accept(request: Request) -> None:
    accept = request.headers.get("Accept", "*/*")
    if not any(part in accept for part in ("application/json", "*/*", "application/*")):
        raise not_found(406, "HTTP 406 Not Acceptable")


def _body(request: Request, *, check_type: bool = True) -> Any:
    if check_type and not request.content_type.startswith("application/json"):
        raise not_found(415, "HTTP 415 Unsupported Media Type")
    try:
        return json.loads(request.get_data())
    except ValueError as error:
        raise not_found(400, "The body is not valid JSON") from error


def _caller(request: Request) -> Caller:
    headers = request.headers
    preview = (
        headers.get("ALM-OCTANE-TECH-PREVIEW", "").lower() == "true"
        or headers.get("ALM-OCTANE-PRIVATE", "").lower() == "true"
        or headers.get("HPECLIENTTYPE", "") in _PREVIEW_CLIENTS
    )
    return Caller(preview)


def _parameters(request: Request) -> dict[str, str]:
    return {key: value for key, value in request.args.items() if key}


def _delegate(module: str, store: Any, request: Request) -> Response:
    """Hand over to the module for automated results or for builds."""
    handler = importlib.import_module(f"octane_flows.simulator.{module}")
    response: Response = handler.handle(store, request)
    return response
