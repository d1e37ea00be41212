"""Every failure that a user can meet, in one shallow tree, by what the caller can do about it.

OctaneFlowsError
├── UsageError          settings, names or values given by the user: correct them (exit 2)
├── ServerError         the Octane server refused or answered something unusable (exit 1)
│   ├── SignInError         credentials are wrong, expired or not allowed: use others
│   ├── AccessError         the role may not read or write this: ask for the role
│   ├── NotFoundError       no such space, workspace, collection or entity: check the name
│   ├── RequestError        the server says that the request itself is wrong (400, 409, 415 ...)
│   │   ├── PartialError        some rows of a bulk write were refused, the others are written
│   │   └── AddressError        the address is longer than the server or a gateway takes
│   ├── UnavailableError    no answer, or temporary refusals until no retry was left: try later
│   │   ├── QueueFullError      so many test results wait that no more are taken: send them later
│   │   ├── TimeOutError        no whole answer came in time: ask for less
│   │   └── TooLargeError       the answer is larger than is read: ask for less
│   └── AnswerError         an answer that cannot be trusted: HTML, cut body, bad JSON
├── PausedError         the site's limits (quiet hours, requests a run) stop it: try later (exit 1)
├── ExtractError        the extract is not whole, so nothing was published (exit 1)
├── LakeError           the data folder cannot be read or written (exit 1)
├── ModelError          a SQL model file is broken (exit 1)
└── CheckError          a blocking check failed, so the previous warehouse stays (exit 1)

A message says what was attempted, what happened and what to do next. No message carries a secret.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AccessError",
    "AddressError",
    "AnswerError",
    "CheckError",
    "ExtractError",
    "LakeError",
    "ModelError",
    "NotFoundError",
    "OctaneFlowsError",
    "PartialError",
    "PausedError",
    "QueueFullError",
    "RequestError",
    "ServerError",
    "SignInError",
    "TimeOutError",
    "TooLargeError",
    "UnavailableError",
    "UsageError",
]


class OctaneFlowsError(Exception):
    """The base of all; `exit_code` is the exit code of the command line."""

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
    """The server says that the request is wrong; `error_code` is Octane's code."""

    def __init__(self, message: str, *, error_code: str | None = None) -> None:
        super().__init__(message)
        self.error_code = error_code


class PartialError(RequestError):
    """A bulk write that wrote `rows`; `errors` say why the other rows were refused."""

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


class AddressError(RequestError):
    """The address is longer than the server or a gateway in between takes."""


class UnavailableError(ServerError):
    """The server did not answer, or asked to wait, until no retry was left."""


class QueueFullError(UnavailableError):
    """The server took nothing, because its queue of test results is full."""


class TimeOutError(UnavailableError):
    """No whole answer came within the time of a request; a smaller answer may."""


class TooLargeError(UnavailableError):
    """An answer has more bytes than are read; a smaller one can be read."""


class AnswerError(ServerError):
    """The server gave an answer that must not count as data."""


class PausedError(OctaneFlowsError):
    """A limit of the site ends the run; the next run continues."""


class ExtractError(OctaneFlowsError):
    """The extract is not whole; the previous generation stays current."""


class LakeError(OctaneFlowsError):
    """The data folder cannot be read or written."""


class ModelError(OctaneFlowsError):
    """A SQL model cannot be used as it is written."""


class CheckError(OctaneFlowsError):
    """A blocking check failed; the previous warehouse stays."""
