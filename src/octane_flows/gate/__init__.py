"""The gate: does a release, sprint or module meet given criteria, by numbers that can be trusted?

Criteria and a scope in, a `Verdict` out: passed, failed or incomplete; the command `gate` and
letters call it.
"""

from octane_flows.gate.criteria import Criterion, parse_criteria, read_criteria
from octane_flows.gate.gate_forms import as_json, as_junit, as_text
from octane_flows.gate.gate_scope import SCOPE_TYPES, Scope, query_scope, scope_named
from octane_flows.gate.verdict import Reason, Verdict, judge

__all__ = [
    "SCOPE_TYPES",
    "Criterion",
    "Reason",
    "Scope",
    "Verdict",
    "as_json",
    "as_junit",
    "as_text",
    "judge",
    "parse_criteria",
    "query_scope",
    "read_criteria",
    "scope_named",
]
