"""What each kind of credentials puts on the wire, must hide, and advises when it is refused. Pure.

Credentials in; headers, bodies, secrets and words out. `session` calls it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from octane_flows.client.transport import Answer
from octane_flows.config import ApiKey, Cookie, Credentials, Token, UserPassword

__all__ = [
    "authorization",
    "can_sign_in",
    "remedy",
    "secrets",
    "session_cookies",
    "session_values",
    "sign_in_body",
]

SESSION_COOKIES: Final = ("LWSSO_COOKIE_KEY", "access_token")  # either one is a session
KEPT_COOKIES: Final = (*SESSION_COOKIES, "OCTANE_USER")


def can_sign_in(credentials: Credentials) -> bool:
    """Whether a new session can be had; the other kinds are sent with each request as they are."""
    return isinstance(credentials, ApiKey | UserPassword) and credentials.scheme == "sign_in"


def sign_in_body(credentials: Credentials) -> dict[str, str]:
    """The name and the secret, under the keys that the sign-in wants."""
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
    """What no message may quote."""
    encoded = (authorization(credentials) or "").partition(" ")[2]
    if isinstance(credentials, ApiKey):
        return [credentials.client_secret.reveal(), encoded]
    if isinstance(credentials, UserPassword):
        return [credentials.password.reveal(), encoded]
    if isinstance(credentials, Token):
        return [credentials.token.reveal()]
    return [credentials.value.reveal()]


def remedy(credentials: Credentials) -> str:
    """What to do when the server refuses them."""
    if isinstance(credentials, Cookie):
        return "a given session cannot be renewed here, so set a fresh OCTANE_COOKIE"
    if isinstance(credentials, Token):
        return "set a fresh OCTANE_TOKEN"
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


def session_cookies(answer: Answer) -> dict[str, str]:
    """The cookies worth keeping that an answer sets; an emptied one is left out."""
    found: dict[str, str] = {}
    for line in answer.all("set-cookie"):
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0].strip()
        if name.strip() in KEPT_COOKIES and value.strip('"'):
            found[name.strip()] = value
    return found


def session_values(cookies: Mapping[str, str]) -> list[str]:
    """The cookies that are a session, and so secret; a good sign-in gives one."""
    return [value for name, value in cookies.items() if name in SESSION_COOKIES]
