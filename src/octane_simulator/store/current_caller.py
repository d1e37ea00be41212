"""The user whose request is being answered.

In: the id of a workspace user, set by application.py for the length of a request. Out: that user as
author of what is written. Outside requests, the first user writes.
"""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["EDITORS", "FIRST_USER", "caller_id", "caller_ref"]

FIRST_USER = "1001"
EDITORS = ("modified_by", "last_modified_by")  # fields that name who wrote a row last
caller_id: ContextVar[str] = ContextVar("caller_id", default=FIRST_USER)


def caller_ref() -> dict[str, str]:
    """The caller as a reference."""
    return {"type": "workspace_user", "id": caller_id.get()}
