"""Parity: does the warehouse say what Octane says? Each flow's documented REST requests, sent live.

A client and a warehouse connection in, the ids on both sides and the reasons of differences out;
`octane-flows verify`, the Dagster check and the tests call it.
"""

from octane_flows.parity.compare_ids import (
    Parity,
    compare,
    documented_requests,
    effective_parameters,
    flows_with_requests,
)
from octane_flows.parity.send_requests import RestWorkspace, TooManyRowsError, send_requests
from octane_flows.parity.verification import Difference, Verification
from octane_flows.parity.verify_flows import MOST_ROWS, verify, verify_flow

__all__ = [
    "MOST_ROWS",
    "Difference",
    "Parity",
    "RestWorkspace",
    "TooManyRowsError",
    "Verification",
    "compare",
    "documented_requests",
    "effective_parameters",
    "flows_with_requests",
    "send_requests",
    "verify",
    "verify_flow",
]
