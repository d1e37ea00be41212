"""Every failure a user can meet, as one shallow tree sorted by what the caller can do about it.

OctaneFlowsError
├── UsageError          settings, names or values given by the user: correct them (exit 2)
├── ServerError         the Octane server refused or answered something unusable (exit 1)
│   ├── SignInError         credentials are wrong, expired or not allowed: get others
│   ├── AccessError         the role may not read or write this: ask for the role
│   ├── NotFoundError       no such space, workspace, collection or entity: check the name
│   ├── RequestError        the server says that the request itself is wrong (400, 409, 415 ...)
│   │   └── PartialError        some rows of a bulk write were refused, the others are written
│   ├── UnavailableError    no answer, or only temporary refusals, until the budget ran out: later
│   └── AnswerError         an answer that cannot be trusted: HTML, cut body, short page, bad JSON
├── PausedError         the site's own limits (quiet hours, requests a run) stop it: later (exit 1)
├── ExtractError        the extract is incomplete, so nothing was published (exit 1)
├── LakeError           the data folder cannot be read or written (exit 1)
├── ModelError          a SQL model file is broken (exit 1)
└── CheckError          a blocking check failed, so the former warehouse stays (exit 1)

Messages say what was attempted, what was found and what to do next. No message carries a secret.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AccessError",
    "AnswerError",
    "CheckError",
    "ExtractError",
    "LakeError",
    "ModelError",
    "NotFoundError",
    "OctaneFlowsError",
    "PartialError",
    "PausedError",
    "RequestError",
    "ServerError",
    "SignInError",
    "UnavailableError",
    "UsageError",
]


class OctaneFlowsError(Exception):
    """Base of all; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class UsageError(OctaneFlowsError):
    """A setting, name or value given by the user is wrong."""

    exit_code: ClassVar[int] = 2


class ServerError(OctaneFlowsError):
    """The Octane server refused a request or gave an unusable answer."""


class SignInError(ServerError):
    """The server did not accept the credentials."""


class AccessError(ServerError):
    """The signed-in user or API key lacks the role."""


class NotFoundError(ServerError):
    """The space, workspace, collection or entity does not exist, or is hidden from this role."""


class RequestError(ServerError):
    """The server understood the request and calls it wrong; `error_code` is Octane's own."""

    def __init__(self, message: str, *, error_code: str | None = None) -> None:
        super().__init__(message)
        self.error_code = error_code


class PartialError(RequestError):
    """A bulk write of which `rows` were written and `errors` tell why the others were not."""

    def __init__(
        self,
        message: str,
        *,
        error_code: str | None = None,
        rows: list[dict[str, Any]],
        errors: list[dict[str, Any]],
    ) -> None:
        super().__init__(message, error_code=error_code)
        self.rows = rows
        self.errors = errors


class UnavailableError(ServerError):
    """The server could not be reached, or asked to wait, until the retry budget was spent."""


class AnswerError(ServerError):
    """The server answered with something that must not be taken for data."""


class PausedError(OctaneFlowsError):
    """A limit that the site has set ends the run; the next one goes on."""


class ExtractError(OctaneFlowsError):
    """The extract is incomplete; the former generation stays current."""


class LakeError(OctaneFlowsError):
    """The data folder cannot be read or written."""


class ModelError(OctaneFlowsError):
    """A SQL model cannot be used as it is written."""


class CheckError(OctaneFlowsError):
    """A blocking check failed; the former warehouse stays in place."""
