"""Who asks: credentials from the settings, wrapped so that nothing shows them by accident.

The texts found in the settings in, one of four kinds of credentials out; `settings` calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from octane_flows.config.setting_texts import Found
from octane_flows.errors import UsageError

__all__ = ["ApiKey", "Cookie", "Credentials", "Scheme", "Secret", "Token", "UserPassword"]

Scheme: TypeAlias = Literal["sign_in", "basic"]

SESSION_COOKIE: Final = "LWSSO_COOKIE_KEY"


class Secret:
    """Text that is only shown on request: `repr` and `str` give stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the text itself; only for the bytes that go to the server."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A secret is not written anywhere; pass it in memory only.")


@dataclass(frozen=True)
class ApiKey:
    """An API access key: client id and client secret."""

    client_id: str
    client_secret: Secret
    scheme: Scheme = "sign_in"


@dataclass(frozen=True)
class UserPassword:
    """A user's name and password."""

    user: str
    password: Secret
    scheme: Scheme = "sign_in"


@dataclass(frozen=True)
class Token:
    """A bearer token that something else renews."""

    token: Secret


@dataclass(frozen=True)
class Cookie:
    """A session cookie taken from elsewhere, such as a browser; it cannot be renewed here."""

    name: str
    value: Secret


Credentials: TypeAlias = ApiKey | UserPassword | Token | Cookie


def read_credentials(found: Found) -> Credentials:
    """The one kind of credentials that is set."""
    scheme = found.get("auth") or "sign_in"
    if scheme not in ("sign_in", "basic"):
        raise UsageError(f"{found.label('auth')} must be sign_in or basic, not {scheme}.")
    for one, other in (("client_id", "client_secret"), ("user", "password")):
        for given, missing in ((one, other), (other, one)):
            if found.get(given) and not found.get(missing):
                raise UsageError(
                    f"{found.label(given)} is set but OCTANE_{missing.upper()} is not; set both "
                    "or neither."
                )
    kinds = [name for name in ("client_id", "user", "token", "cookie") if found.get(name)]
    if not kinds:
        raise UsageError(
            "No credentials are set; set OCTANE_CLIENT_ID and OCTANE_CLIENT_SECRET (an API access "
            "key), or OCTANE_USER and OCTANE_PASSWORD, OCTANE_TOKEN or OCTANE_COOKIE."
        )
    if len(kinds) > 1:
        raise UsageError(
            f"{found.label(kinds[0])} and {found.label(kinds[1])} are two kinds of credentials; "
            "keep one of them."
        )
    secret = Secret
    if kinds == ["client_id"]:
        return ApiKey(
            found.texts["client_id"],
            secret(found.texts["client_secret"]),
            "basic" if scheme == "basic" else "sign_in",
        )
    if kinds == ["user"]:
        return UserPassword(
            found.texts["user"],
            secret(found.texts["password"]),
            "basic" if scheme == "basic" else "sign_in",
        )
    if scheme == "basic":
        raise UsageError(
            f"{found.label('auth')} is basic, but {found.label(kinds[0])} is no name and "
            "password; unset one of the two."
        )
    if kinds == ["token"]:
        return Token(_header_safe(found, "token"))
    return _cookie(found)


def _cookie(found: Found) -> Cookie:
    value = _header_safe(found, "cookie").reveal()
    name, equals, rest = value.partition("=")
    # A session value may itself end in "=": only a word that looks like a cookie's name counts.
    if equals and rest and re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]{2,31}", name):
        return Cookie(name, Secret(rest.rstrip("; ")))
    return Cookie(SESSION_COOKIE, Secret(value))


def _header_safe(found: Found, name: str) -> Secret:
    value = found.texts[name]
    if not value.isascii() or not value.isprintable():
        raise UsageError(
            f"{found.label(name)} holds characters that cannot be sent in a header; copy it again, "
            "without line breaks."
        )
    return Secret(value)
