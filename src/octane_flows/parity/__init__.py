"""Does the warehouse tell what Octane tells? Each flow's documented REST requests, asked live.

A client and a warehouse connection in, the ids on both sides and the reasons of differences out;
`octane-flows verify`, the Dagster check and the tests call it.
"""

from octane_flows.parity.ask import RestWorkspace, TooManyRowsError, ask
from octane_flows.parity.compare import Parity, compare, effective_parameters, rest_flow
from octane_flows.parity.proof import MOST_ROWS, verify, verify_flow
from octane_flows.parity.verification import Difference, Verification

__all__ = [
    "MOST_ROWS",
    "Difference",
    "Parity",
    "RestWorkspace",
    "TooManyRowsError",
    "Verification",
    "ask",
    "compare",
    "effective_parameters",
    "rest_flow",
    "verify",
    "verify_flow",
]
