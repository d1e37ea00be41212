"""The documented REST requests of every flow, by slug.

Nothing in, `DocumentedRequests` records out; parity sends them, the pages of the flows print them.
A flow's requests stand in the module of its area; each module has a `FLOWS` that is listed here.
"""

from __future__ import annotations

from octane_flows.parity.requests import (
    requests_for_backlog,
    requests_for_failures,
    requests_for_planning,
    requests_for_results,
    requests_for_runs,
    requests_for_tests,
)
from octane_flows.parity.requests.documented_requests import (
    DocumentedRequests,
    Params,
    Reading,
    Request,
    Row,
    Steps,
)

DOCUMENTED_REQUESTS: dict[str, DocumentedRequests] = {
    **requests_for_backlog.FLOWS,
    **requests_for_failures.FLOWS,
    **requests_for_planning.FLOWS,
    **requests_for_results.FLOWS,
    **requests_for_runs.FLOWS,
    **requests_for_tests.FLOWS,
}

__all__ = [
    "DOCUMENTED_REQUESTS",
    "DocumentedRequests",
    "Params",
    "Reading",
    "Request",
    "Row",
    "Steps",
]
