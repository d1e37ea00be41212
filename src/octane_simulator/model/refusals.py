"""Refusals of the simulated server and the JSON shape they are sent in.

In: what is wrong with a request. Out: `ApiError`, raised anywhere below the HTTP layer, and its
body.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

__all__ = [
    "ApiError",
    "bad_query",
    "correlation_ids",
    "duplicate",
    "entity_not_found",
    "illegal_value",
    "method_not_allowed",
    "missing_field",
    "not_authorized",
    "not_found",
    "unknown_field",
]

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def correlation_ids(origin: str) -> Iterator[str]:
    """Names of 25 characters; the same origin (seed and request) gives the same names."""
    source = random.Random(f"correlation/{origin}")
    while True:
        yield "".join(source.choices(_ALPHABET, k=25))


_OUTSIDE = correlation_ids("no request")
# The ids for the errors of the current request; application.py sets them.
next_ids: ContextVar[Iterator[str]] = ContextVar("next_ids", default=_OUTSIDE)


class ApiError(Exception):
    """A refusal with status, code and properties; `index` places it in a bulk request."""

    def __init__(
        self,
        status: int,
        code: str,
        description: str,
        properties: dict[str, Any] | None = None,
        *,
        business_error: bool = False,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description
        self.properties = properties
        self.business_error = business_error

    def body(self) -> dict[str, Any]:
        """The error object of the REST layer."""
        return {
            "error_code": self.code,
            "correlation_id": next(next_ids.get()),
            "description": self.description,
            "description_translated": self.description,
            "properties": self.properties,
            "stack_trace": None,
            "business_error": self.business_error,
        }


def unknown_field(entity_type: str, name: str) -> ApiError:
    """The named entity type has no such field."""
    return ApiError(
        400,
        "platform.unknown_field",
        f"The entity type '{entity_type}' has no field named '{name}'",
        {"entity_type": entity_type, "field_name": name},
        business_error=True,
    )


def entity_not_found(entity_type: str, identifier: object) -> ApiError:
    """No row of the type has the id."""
    return ApiError(
        404,
        "platform.entity_not_found",
        f"There is no {entity_type} with id {identifier}",
        {"entity_type": entity_type, "entity_id": str(identifier)},
        business_error=True,
    )


def bad_query(problem: str) -> ApiError:
    """The query cannot be parsed or does not fit the fields; this simulator chose the code."""
    return ApiError(400, "platform.invalid_query", problem)


def illegal_value(problem: str, properties: dict[str, Any] | None = None) -> ApiError:
    """A value or a parameter breaks a rule."""
    return ApiError(400, "platform.illegal_field_value", problem, properties, business_error=True)


def missing_field(entity_type: str, name: str) -> ApiError:
    """A field that must have a value has none."""
    return ApiError(
        400,
        "platform.missing_required_field",
        f"The field '{name}' of '{entity_type}' must have a value",
        {"entity_type": entity_type, "field_name": name},
        business_error=True,
    )


def duplicate(entity_type: str, name: str, problem: str) -> ApiError:
    """Another row has the same value where values must be unique."""
    return ApiError(
        409,
        "platform.duplicate_entity_error",
        problem,
        {"entity_type": entity_type, "field_name": name},
        business_error=True,
    )


def method_not_allowed() -> ApiError:
    """The path exists, but it does not take this method."""
    return not_found(405, "HTTP 405 Method Not Allowed")


def not_found(status: int = 404, text: str = "HTTP 404 Not Found") -> ApiError:
    """No such path (or another refusal of the web layer)."""
    return ApiError(status, "platform.web_application", text)


def not_authorized(what: str) -> ApiError:
    """The caller may not use this."""
    return ApiError(403, "platform.not_authorized", f"Not authorized: {what}")
