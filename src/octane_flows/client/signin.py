"""What each kind of credentials sends, must hide, and advises after a refusal. Pure.

Credentials in; headers, bodies, secrets and advice out. `session` calls it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final

from octane_flows.client.transport import Response
from octane_flows.config import ApiKey, Cookie, Credentials, Token, UserPassword

__all__ = [
    "authorization",
    "can_sign_in",
    "remedy",
    "secret_values",
    "secrets",
    "session_cookies",
    "session_values",
    "sign_in_body",
    "token_headers",
]

SESSION_COOKIES: Final = ("LWSSO_COOKIE_KEY", "access_token")  # each of the two is a session
#: Cookies whose value goes back in a header of each write, without which the server refuses it.
TOKEN_HEADERS: Final = {"XSRF_COOKIE": "XSRF-HEADER", "HPSSO_COOKIE_CSRF": "HPSSO_HEADER_CSRF"}
KEPT_COOKIES: Final = (*SESSION_COOKIES, "OCTANE_USER", *TOKEN_HEADERS)
UNSENDABLE: Final = re.compile(r"[\x00-\x1f\x7f]")  # no header can carry these


def can_sign_in(credentials: Credentials) -> bool:
    """Whether these credentials can start a session; the others are sent with each request."""
    return isinstance(credentials, ApiKey | UserPassword) and credentials.scheme == "sign_in"


def sign_in_body(credentials: Credentials) -> dict[str, str]:
    """The name and the secret, under the keys that the sign-in expects."""
    if isinstance(credentials, ApiKey):
        secret = credentials.client_secret.reveal()
        return {"client_id": credentials.client_id, "client_secret": secret}
    if isinstance(credentials, UserPassword):
        return {"user": credentials.user, "password": credentials.password.reveal()}
    raise TypeError("Only an API key or a user signs in.")


def authorization(credentials: Credentials) -> str | None:
    """The Authorization header of credentials without a session."""
    if isinstance(credentials, Token):
        return f"Bearer {credentials.token.reveal()}"
    if isinstance(credentials, ApiKey | UserPassword) and credentials.scheme == "basic":
        pair = ":".join(sign_in_body(credentials).values())
        return "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return None


def secrets(credentials: Credentials) -> list[str]:
    """The texts that no message may quote."""
    encoded = (authorization(credentials) or "").partition(" ")[2]
    if isinstance(credentials, ApiKey):
        return [credentials.client_secret.reveal(), encoded]
    if isinstance(credentials, UserPassword):
        return [credentials.password.reveal(), encoded]
    if isinstance(credentials, Token):
        return [credentials.token.reveal()]
    return [credentials.value.reveal()]


def remedy(credentials: Credentials) -> str:
    """What to do when the server refuses the credentials."""
    if isinstance(credentials, Cookie):
        return "a session cookie cannot be renewed here, so set a new OCTANE_COOKIE"
    if isinstance(credentials, Token):
        return "set a new OCTANE_TOKEN"
    if credentials.scheme == "basic":
        return (
            "check the name and password, and that the space allows Basic authentication, or "
            "unset OCTANE_AUTH"
        )
    if isinstance(credentials, ApiKey):
        return (
            "check OCTANE_CLIENT_ID and OCTANE_CLIENT_SECRET, and that the key is not expired or "
            "revoked"
        )
    return (
        "check OCTANE_USER and OCTANE_PASSWORD; spaces with SSO or API keys only need "
        "OCTANE_CLIENT_ID and OCTANE_CLIENT_SECRET"
    )


def session_cookies(response: Response) -> dict[str, str]:
    """The session's cookies that a response sets; a cookie without a value is left out."""
    cookies: dict[str, str] = {}
    for line in response.all("set-cookie"):
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0].strip()
        if UNSENDABLE.search(value):
            continue
        if name.strip() in KEPT_COOKIES and value.strip('"'):
            cookies[name.strip()] = value
    return cookies


def session_values(cookies: Mapping[str, str]) -> list[str]:
    """The values that are a session, and so secret; a successful sign-in gives one at least."""
    return [value for name, value in cookies.items() if name in SESSION_COOKIES]


def token_headers(cookies: Mapping[str, str]) -> dict[str, str]:
    """The headers of a write: the tokens that the server gave as cookies."""
    return {
        header: cookies[name].strip('"')
        for name, header in TOKEN_HEADERS.items()
        if name in cookies
    }


def secret_values(cookies: Mapping[str, str]) -> list[str]:
    """The values that no message may quote: sessions and tokens."""
    return [
        value for name, value in cookies.items() if name in SESSION_COOKIES or name in TOKEN_HEADERS
    ]
