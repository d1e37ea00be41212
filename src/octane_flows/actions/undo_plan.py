"""Undoing an apply: a plan that puts back the former values, where what was written still holds.

The audit log and the id of an apply in, an ordinary plan out, and in words what cannot be undone.
`apply --undo` shows and sends it; `apply_plan` holds it to the log again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from octane_flows.actions.action_plan import Plan, PlannedRequest
from octane_flows.actions.audit_log import AuditLog
from octane_flows.actions.value_comparison import bare, same, shown
from octane_flows.errors import UsageError
from octane_flows.questions.catalogue import nearest

UNDO: Final = "undo"  # the slug of such a plan
LISTED = 5  # applies that a message names

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Undo:
    """A plan, and for each written item that it does not cover why."""

    plan: Plan
    left: tuple[str, ...]


@dataclass
class _Change:
    """What an apply did to one item: values before and after, of all its requests."""

    line: Line
    before: dict[str, Any]
    after: dict[str, Any]


def undo_plan(audit: AuditLog, apply_id: str) -> Undo:
    """The plan that undoes one apply, the last change first. Raises UsageError."""
    lines = _lines_of(audit, apply_id)
    verdicts = {_request_key(line): line for line in lines if line["event"] == "verdict"}
    changes: dict[tuple[str, str, str], _Change] = {}
    left: list[str] = []
    for line in lines:
        if line["event"] != "sending":
            continue
        verdict = verdicts.get(_request_key(line), {})
        outcome = verdict.get("outcome", "unknown")
        if outcome == "refused":
            continue
        if line["operation"] == "create":
            left.append(_left(line, outcome, verdict.get("entity_id")))
            continue
        key = (line["workspace_id"], line["entity_type"], line["entity_id"])
        change = changes.setdefault(key, _Change(line, {}, {}))
        for name, value in line["before"].items():
            change.before.setdefault(name, bare(value))
            change.after[name] = bare(line["body"][name])
    first = lines[0]
    requests = tuple(_requests(reversed(changes.values())))
    plan = Plan(
        UNDO,
        {"apply_id": apply_id},
        first["server_url"],
        first["shared_space"],
        first["generation"],
        requests,
    )
    return Undo(plan, tuple(left))


def check_undo(plan: Plan, audit: AuditLog) -> None:
    """A plan that undoes an apply writes what the log says and no more. Raises UsageError."""
    apply_id = plan.parameters.get("apply_id") or ""
    allowed = {_item(request): request for request in undo_plan(audit, apply_id).plan.requests}
    for request in plan.requests:
        original = allowed.get(_item(request))
        if (
            original is None
            or request.body != original.body
            or request.expected != original.expected
        ):
            raise UsageError(
                f"Step {request.step} is not what the audit log {audit.path} says about the apply "
                f"{apply_id}; nothing was sent. Undo with 'octane-flows apply --undo {apply_id}'."
            )


def _lines_of(audit: AuditLog, apply_id: str) -> Sequence[Line]:
    lines = [line for line in audit.read() if line.get("apply")]
    own = [line for line in lines if line["apply"] == apply_id]
    if own:
        return own
    applies = list(dict.fromkeys(str(line["apply"]) for line in lines))
    if not applies:
        raise UsageError(
            f"The audit log {audit.path} has no apply that could be undone; one gets its id when "
            "'octane-flows apply' sends its first request."
        )
    raise UsageError(
        f"The audit log {audit.path} has no apply '{apply_id}'; "
        f"{nearest(apply_id, applies[-LISTED:])}"
    )


def _requests(changes: Iterable[_Change]) -> Iterable[PlannedRequest]:
    steps: dict[str, int] = {}
    for change in changes:
        line = change.line
        names = [name for name in change.after if not same(change.after[name], change.before[name])]
        if not names:
            continue
        workspace = line["workspace_id"]
        steps[workspace] = steps.get(workspace, 0) + 1
        words = "; ".join(f"{name} was {shown(change.before[name])}" for name in names)
        yield PlannedRequest(
            workspace_id=workspace,
            step=steps[workspace],
            operation="update",
            entity_type=line["entity_type"],
            entity_id=line["entity_id"],
            entity_name=line["entity_name"],
            expected={"fields": {name: change.after[name] for name in names}},
            body={name: change.before[name] for name in names},
            reason=f"before the apply its {words}",
        )


def _left(line: Line, outcome: str, id: str | None) -> str:
    name = f"{line['entity_type']} '{line['entity_name']}' of workspace {line['workspace_id']}"
    if outcome == "unknown" or id is None:
        return f"{name}: nobody knows whether it was created; look for it in Octane"
    return f"{name} was created with the id {id}; nothing is deleted here, so delete it in Octane"


def _request_key(line: Line) -> tuple[str, int]:
    return line["workspace_id"], line["step"]


def _item(request: PlannedRequest) -> tuple[str, str, str | None]:
    return request.workspace_id, request.entity_type, request.entity_id
