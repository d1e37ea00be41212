"""Every documented flow in plain Python over entities read afresh: `octane-flows verify --deep`.

Entities of one workspace and typed parameters in, rows out, which `compare_deeply` holds against
the flow's answer. The functions follow the pages of the flows and share nothing with the SQL.
"""

from octane_flows.parity.deep.compare_deeply import (
    EVALUATORS,
    DeepComparison,
    ValueDifference,
    compare_deeply,
)
from octane_flows.parity.deep.deep_evaluation import Deep, deep_evaluation
from octane_flows.parity.deep.entities_afresh import DeepWorkspace, Entities, read_entities

__all__ = [
    "EVALUATORS",
    "Deep",
    "DeepComparison",
    "DeepWorkspace",
    "Entities",
    "ValueDifference",
    "compare_deeply",
    "deep_evaluation",
    "read_entities",
]
