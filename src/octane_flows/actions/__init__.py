"""Writing back: a plan lists requests with their conditions, apply sends those that still hold.

The command line and Dagster's jobs call these functions; nothing here runs on a schedule.
"""

from octane_flows.actions.action_plan import (
    MadePlan,
    Plan,
    PlannedRequest,
    make_plan,
    read_plan,
    write_plan,
)
from octane_flows.actions.apply_plan import Outcome, Verdict, apply_plan, new_apply_id
from octane_flows.actions.audit_log import AuditLog, audit_path
from octane_flows.actions.query_plan import plan_from_query
from octane_flows.actions.undo_plan import Undo, undo_plan

__all__ = [
    "AuditLog",
    "MadePlan",
    "Outcome",
    "Plan",
    "PlannedRequest",
    "Undo",
    "Verdict",
    "apply_plan",
    "audit_path",
    "make_plan",
    "new_apply_id",
    "plan_from_query",
    "read_plan",
    "undo_plan",
    "write_plan",
]
