"""The result of a comparison: one flow in one workspace, and each difference with its reason.

Nothing in; records that `verify_flows` makes, and that the command line, Dagster and the report
show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from octane_flows.parity.requests import Request

Reason = Literal["changed", "related changed", "not readable", "different", "not examined"]
Status = Literal["equal", "changed", "different", "refused", "not compared"]


@dataclass(frozen=True)
class Difference:
    """An id that only one side names, or of which both show other values or scripts; why."""

    id: str
    only_in: Literal["octane", "warehouse", "neither"]
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Verification:
    """One flow in one workspace.

    `status` is 'changed' when every difference is explained by what changed since the extract,
    'refused' when a side did not answer, 'not compared' when too many rows match. `compared` says
    what was compared: ids, and of how many rows which columns.
    """

    slug: str
    number: int | None
    workspace_id: str
    status: Status
    octane_count: int | None
    warehouse_count: int | None
    requests: tuple[Request, ...]
    differences: tuple[Difference, ...]
    message: str
    compared: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON."""
        return {
            "slug": self.slug,
            "number": self.number,
            "workspace_id": self.workspace_id,
            "status": self.status,
            "octane_count": self.octane_count,
            "warehouse_count": self.warehouse_count,
            "requests": [
                {"collection": request.collection, "query": request.query}
                for request in self.requests
            ],
            "differences": [
                {
                    "id": difference.id,
                    "only_in": difference.only_in,
                    "reason": difference.reason,
                    "detail": difference.detail,
                }
                for difference in self.differences
            ],
            "message": self.message,
            "compared": self.compared,
        }
