"""Small parts of HTTP that the routes share: bodies in, JSON and gzip out.

In: WSGI environments and requests. Out: parsed bodies, parameters, callers and responses. Called by
application.py and the route modules.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import Any

from werkzeug.wrappers import Request, Response

from octane_simulator.model.refusals import not_found
from octane_simulator.model.strict_json import json_value
from octane_simulator.query.reader import Caller
from octane_simulator.store.current_caller import caller_id

__all__ = [
    "CUT_BODY",
    "body_of",
    "caller_of",
    "check_accept",
    "compress",
    "json_response",
    "object_response",
    "parameters_of",
    "request_of",
]

# The key in the WSGI environment by which the application asks for a body that breaks off.
CUT_BODY = "octane_simulator.cut_body"
GZIP_FROM = 1024
# The documentation of test-results asks for the second spelling.
_GZIP = frozenset({"gzip", "application/gzip", "x-gzip"})
# Client types that open non-public resources and get wide default fields.
_WIDE_CLIENTS = frozenset({
    "HPE_CI_CLIENT", "OCTANE_IDE_PLUGIN", "HPE_MQM_UI", "HPE_REST_API_TECH_PREVIEW", "IT_PRIVATE",
})  # fmt: skip
_PREVIEW_CLIENTS = _WIDE_CLIENTS | {"ALM_OCTANE_TECH_PREVIEW", "IT_PUBLIC_TECH_PREVIEW"}


def request_of(environ: dict[str, Any]) -> Request:
    """The request with its body decompressed."""
    if environ.get("HTTP_CONTENT_ENCODING", "").strip().lower() in _GZIP:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        try:
            body = gzip.decompress(environ["wsgi.input"].read(length))
        except (OSError, EOFError, zlib.error) as error:
            raise not_found(400, "The request body is not valid gzip") from error
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        del environ["HTTP_CONTENT_ENCODING"]
    return Request(environ)


def json_response(text: str, status: int = 200) -> Response:
    """JSON text as an answer, without a charset, as the server does it."""
    response = Response(text.encode(), status)
    response.headers["Content-Type"] = "application/json"
    return response


def object_response(body: object, status: int = 200) -> Response:
    """A value as a JSON answer."""
    return json_response(json.dumps(body), status)


def compress(request: Request, response: Response) -> None:
    """Compress a large answer when the caller accepts gzip."""
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return
    data = response.get_data()
    if len(data) >= GZIP_FROM and "Content-Encoding" not in response.headers:
        response.set_data(gzip.compress(data, 1, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"


def check_accept(request: Request) -> None:
    """406 unless the caller takes JSON."""
    accept = request.headers.get("Accept", "*/*")
    if not any(part in accept for part in ("application/json", "*/*", "application/*")):
        raise not_found(406, "HTTP 406 Not Acceptable")


def body_of(request: Request, *, check_type: bool = True) -> Any:
    """The JSON body, or 415 for another type and 400 for broken text."""
    if check_type and not (request.content_type or "").startswith("application/json"):
        raise not_found(415, "HTTP 415 Unsupported Media Type")
    try:
        return json_value(request.get_data())
    except ValueError as error:
        raise not_found(400, "The body is not valid JSON") from error


def caller_of(request: Request) -> Caller:
    """The caller, whether the request is in preview mode, and how wide its answers are."""
    headers = request.headers
    client = headers.get("HPECLIENTTYPE", "") or request.cookies.get("HPECLIENTTYPE", "")
    preview = (
        headers.get("ALM-OCTANE-TECH-PREVIEW", "").lower() == "true"
        or headers.get("ALM-OCTANE-PRIVATE", "").lower() == "true"
        or client in _PREVIEW_CLIENTS
    )
    return Caller(preview, caller_id.get(), client in _WIDE_CLIENTS)


def parameters_of(request: Request) -> dict[str, str]:
    """The query-string parameters; a stray `?&` is no parameter."""
    return {key: value for key, value in request.args.items() if key}
