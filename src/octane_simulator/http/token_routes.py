"""Ways to get a token without the sign-in resource: desktop tools, and the exchange of tokens.

In: requests to `grant_tool_token` and to the token end point. Out: tokens that the cookie
`access_token` carries from then on. Called by application.py before sessions are checked.
"""

from __future__ import annotations

import json

from werkzeug.wrappers import Request, Response

from octane_simulator.http.authentication import TOKEN_COOKIE, Authentication
from octane_simulator.model.refusals import method_not_allowed, not_found
from octane_simulator.model.strict_json import json_value

__all__ = ["token_routes"]

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def token_routes(auth: Authentication, request: Request) -> Response | None:
    """The answer of a token resource, or None for every other path."""
    if request.path == "/authentication/grant_tool_token":
        if request.method == "GET":
            return _offer(auth, request)
        if request.method == "POST":
            return _grant(auth, request)
        raise method_not_allowed()
    if request.path == "/osp/a/au/auth/oauth2/token" and request.method == "POST":
        return _exchange(auth, request)
    return None


def _offer(auth: Authentication, request: Request) -> Response:
    """Where a person would sign in; here everybody is let in at once."""
    identifier = auth.offer()
    url = f"{request.host_url}?identifier={identifier}"
    return _json({"identifier": identifier, "authentication_url": url})


def _grant(auth: Authentication, request: Request) -> Response:
    try:
        identifier = json_value(request.get_data())["identifier"]
    except (ValueError, KeyError, TypeError) as error:
        raise not_found(400, "The body must name the identifier") from error
    token = auth.redeem(identifier)
    if token is None:
        return _json({"error": "unknown identifier"}, 401)
    return _json({"access_token": token, "cookie_name": TOKEN_COOKIE})


def _exchange(auth: Authentication, request: Request) -> Response:
    """Any subject token is taken; the client signs with Basic authentication."""
    if not auth.known_basic(request):
        return _json({"error": "invalid_client"}, 401)
    if request.form.get("grant_type") != EXCHANGE or not request.form.get("subject_token"):
        return _json({"error": "invalid_request"}, 400)
    life = {"token_type": "Bearer", "expires_in": int(auth.absolute_s)}
    return _json({"access_token": auth.open_session(), **life})


def _json(body: dict[str, object], status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
