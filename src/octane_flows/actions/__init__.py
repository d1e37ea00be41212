"""Writing back: a plan lists requests with what must hold, apply sends those for which it holds.

The command line calls these functions; nothing here runs on a schedule.
"""

from octane_flows.actions.apply import Outcome, Verdict, apply_plan
from octane_flows.actions.audit import AuditLog, audit_path
from octane_flows.actions.plan import Plan, PlannedRequest, make_plan, read_plan, write_plan

__all__ = [
    "AuditLog",
    "Outcome",
    "Plan",
    "PlannedRequest",
    "Verdict",
    "apply_plan",
    "audit_path",
    "make_plan",
    "read_plan",
    "write_plan",
]
