"""The documented REST requests of every flow, by slug.

Nothing in, `RestFlow` records out; parity sends them, the pages of the flows print them. A flow's
requests stand in the module of its area; each module has a `FLOWS` that is listed here.
"""

from __future__ import annotations

from octane_flows.flows.rest import backlog, failures, planning, results, runs, tests
from octane_flows.flows.rest.request import Params, Reading, Request, RestFlow, Row, Steps

REST_FLOWS: dict[str, RestFlow] = {
    **backlog.FLOWS,
    **failures.FLOWS,
    **planning.FLOWS,
    **results.FLOWS,
    **runs.FLOWS,
    **tests.FLOWS,
}

__all__ = ["REST_FLOWS", "Params", "Reading", "Request", "RestFlow", "Row", "Steps"]
