"""Credentials from the settings, wrapped so that nothing shows them by accident.

The texts of the settings in, one of four kinds of credentials out; `settings` calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from octane_flows.config.setting_texts import SettingTexts
from octane_flows.errors import UsageError

__all__ = ["ApiKey", "Cookie", "Credentials", "Scheme", "Secret", "Token", "UserPassword"]

Scheme: TypeAlias = Literal["sign_in", "basic"]

SESSION_COOKIE: Final = "LWSSO_COOKIE_KEY"


class Secret:
    """A text that only `reveal` shows: `repr` and `str` give stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; only for the bytes that go to the server."""
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
        raise TypeError("A secret cannot be pickled; pass it in memory only.")


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
    """A bearer token that another program renews."""

    token: Secret


@dataclass(frozen=True)
class Cookie:
    """A session cookie from another program, such as a browser; it cannot be renewed here."""

    name: str
    value: Secret


Credentials: TypeAlias = ApiKey | UserPassword | Token | Cookie


def read_credentials(texts: SettingTexts) -> Credentials:
    """The one kind of credentials that is set."""
    scheme = texts.get("auth") or "sign_in"
    if scheme not in ("sign_in", "basic"):
        raise UsageError(f"{texts.label('auth')} must be sign_in or basic, not {scheme}.")
    for name, secret_name in (("client_id", "client_secret"), ("user", "password")):
        for present, missing in ((name, secret_name), (secret_name, name)):
            if texts.get(present) and not texts.get(missing):
                raise UsageError(
                    f"{texts.label(present)} is set but OCTANE_{missing.upper()} is not; set both "
                    "or neither."
                )
    kinds = [name for name in ("client_id", "user", "token", "cookie") if texts.get(name)]
    if not kinds:
        raise UsageError(
            "No credentials are set; set OCTANE_CLIENT_ID and OCTANE_CLIENT_SECRET (an API access "
            "key), or OCTANE_USER and OCTANE_PASSWORD, OCTANE_TOKEN or OCTANE_COOKIE."
        )
    if len(kinds) > 1:
        raise UsageError(
            f"{texts.label(kinds[0])} and {texts.label(kinds[1])} are two kinds of credentials; "
            "keep one of them."
        )
    if kinds == ["client_id"]:
        return ApiKey(
            texts.values["client_id"],
            Secret(texts.values["client_secret"]),
            "basic" if scheme == "basic" else "sign_in",
        )
    if kinds == ["user"]:
        return UserPassword(
            texts.values["user"],
            Secret(texts.values["password"]),
            "basic" if scheme == "basic" else "sign_in",
        )
    if scheme == "basic":
        raise UsageError(
            f"{texts.label('auth')} is basic, which needs a name and a password, but "
            f"{texts.label(kinds[0])} is set; unset one of the two."
        )
    if kinds == ["token"]:
        return Token(_header_safe(texts, "token"))
    return _cookie(texts)


def _cookie(texts: SettingTexts) -> Cookie:
    value = _header_safe(texts, "cookie").reveal()
    name, equals, rest = value.partition("=")
    # A session value may end in "=" itself, so only a text like a cookie's name counts as one.
    if equals and rest and re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]{2,31}", name):
        return Cookie(name, Secret(rest.rstrip("; ")))
    return Cookie(SESSION_COOKIE, Secret(value))


def _header_safe(texts: SettingTexts, name: str) -> Secret:
    value = texts.values[name]
    if not value.isascii() or not value.isprintable():
        raise UsageError(
            f"{texts.label(name)} has characters that cannot be sent in a header; copy it again, "
            "without line breaks."
        )
    return Secret(value)
