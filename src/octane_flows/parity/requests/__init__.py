"""The documented REST requests of every flow, by slug.

Nothing in, `RestFlow` records out; parity sends them, the pages of the flows print them. A flow's
requests stand in the module of its area; each module has a `FLOWS` that is listed here.
"""

from __future__ import annotations

from octane_flows.parity.requests import (
    backlog_requests,
    failure_requests,
    planning_requests,
    result_requests,
    run_requests,
    test_requests,
)
from octane_flows.parity.requests.request import Params, Reading, Request, RestFlow, Row, Steps

REST_FLOWS: dict[str, RestFlow] = {
    **backlog_requests.FLOWS,
    **failure_requests.FLOWS,
    **planning_requests.FLOWS,
    **result_requests.FLOWS,
    **run_requests.FLOWS,
    **test_requests.FLOWS,
}

__all__ = ["REST_FLOWS", "Params", "Reading", "Request", "RestFlow", "Row", "Steps"]
