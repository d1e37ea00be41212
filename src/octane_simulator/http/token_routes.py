"""Ways to get a token without the sign-in resource: desktop tools, and the exchange of tokens.

In: requests to `grant_tool_token` and to the token end point. Out: tokens that the cookie
`access_token` carries from then on. Called by application.py before sessions are checked.
"""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from octane_simulator.http.authentication import TOKEN_COOKIE, Authentication
from octane_simulator.http.wire import object_response
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
    """The address where a person signs in; here the token is ready at once."""
    identifier = auth.offer()
    url = f"{request.host_url}?identifier={identifier}"
    return object_response({"identifier": identifier, "authentication_url": url})


def _grant(auth: Authentication, request: Request) -> Response:
    try:
        identifier = json_value(request.get_data())["identifier"]
    except (ValueError, KeyError, TypeError) as error:
        raise not_found(400, "The body must name the identifier") from error
    token = auth.redeem(identifier)
    if token is None:
        return object_response({"error": "unknown identifier"}, 401)
    return object_response({"access_token": token, "cookie_name": TOKEN_COOKIE})


def _exchange(auth: Authentication, request: Request) -> Response:
    """Any subject token is taken; the client signs with Basic authentication."""
    if not auth.has_valid_basic(request):
        return object_response({"error": "invalid_client"}, 401)
    if request.form.get("grant_type") != EXCHANGE or not request.form.get("subject_token"):
        return object_response({"error": "invalid_request"}, 400)
    life = {"token_type": "Bearer", "expires_in": int(auth.absolute_s)}
    return object_response({"access_token": auth.open_session(), **life})
