"""Applying a plan: compare, send, read again, one verdict for each request.

A signed-in client, a plan and an audit log in, verdicts out; the command line and Dagster call it.
A request is not sent when its item is no longer as the plan expected, and nothing is forced. A
second run finds everything done and sends nothing; an interrupted run goes on in the same way.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from octane_flows.actions.action_plan import FROM_QUERY, Plan, PlannedRequest, check_scope
from octane_flows.actions.audit_log import REFUSALS, AuditLog
from octane_flows.actions.query_plan import check_query_writes
from octane_flows.actions.sending_lock import sending_lock
from octane_flows.actions.server_items import LOCK, FileChanged, Items
from octane_flows.actions.undo_plan import UNDO, check_undo
from octane_flows.actions.value_comparison import differences
from octane_flows.client import Octane, Workspace
from octane_flows.config import DEFAULT_PLAN_LIMIT, DEFAULT_QUERY_WRITES
from octane_flows.errors import ServerError, UsageError

# Where a plan writes step:N for an id: in a query, and in a reference of the body.
_QUERIED_STEP = re.compile(r"(id EQ )(step:\d+)([};])")
_REFERRED_STEP = re.compile(r'("id": ")(step:\d+)(")')

Outcome = Literal[
    "done", "already", "changed", "refused", "differs", "overtaken", "unknown", "skipped"
]


@dataclass(frozen=True)
class Verdict:
    """What became of one request.

    done: it was sent, and the item reads back as sent. already: the item was so before. changed:
    the item is not as the plan expected, so nothing was sent. refused: the server said no.
    differs: it was sent, but the item reads back otherwise. overtaken: the item reads back as sent,
    but what was checked before does not hold any more, because somebody wrote meanwhile. unknown:
    no answer came, so that nobody knows whether it was written. skipped: an earlier step failed.
    """

    request: PlannedRequest
    outcome: Outcome
    entity_id: str | None
    detail: str

    @property
    def is_good(self) -> bool:
        """Whether the item now is as the plan wants it."""
        return self.outcome in ("done", "already")


class _Stop(Exception):  # noqa: N818
    """A verdict that ends one request early."""

    def __init__(self, outcome: Outcome, detail: str, entity_id: str | None = None) -> None:
        self.outcome, self.detail, self.entity_id = outcome, detail, entity_id


def apply_plan(
    octane: Octane,
    plan: Plan,
    audit: AuditLog,
    *,
    server_url: str,
    workspaces: Collection[str] | None = None,
    limit: int = DEFAULT_PLAN_LIMIT,
    progress: Callable[[Verdict], None] | None = None,
    apply_id: str | None = None,
    query_writes: Collection[str] = DEFAULT_QUERY_WRITES,
) -> list[Verdict]:
    """Send what still holds of a plan, in its order; one apply at a time for a data folder.

    `workspaces`: those that the settings allow; None: all that the key sees. `apply_id` names this
    apply in the audit log (None: `new_apply_id`). `query_writes` is what a plan from a query may
    write. Raises UsageError, SignInError, and OctaneFlowsError while another process applies one.
    """
    if plan.slug == UNDO:
        check_undo(plan, audit)
    elif plan.slug == FROM_QUERY:
        check_query_writes(plan, query_writes)
    else:
        check_scope(plan)
    if (plan.server_url.rstrip("/"), plan.shared_space) != (
        server_url.rstrip("/"),
        octane.shared_space,
    ):
        raise UsageError(
            f"The plan is for {plan.server_url}, shared space {plan.shared_space}; the settings "
            f"name {server_url}, shared space {octane.shared_space}. Set OCTANE_URL, or plan again."
        )
    if len(plan.requests) > limit:
        raise UsageError(
            f"The plan has {len(plan.requests)} requests and {limit} are allowed; narrow it down "
            "with parameters, or allow more with --max."
        )
    others = {request.workspace_id for request in plan.requests}.difference(workspaces or ())
    if workspaces is not None and others:
        raise UsageError(
            f"The plan writes to workspace {', '.join(sorted(others))}, and the settings name "
            f"{', '.join(sorted(workspaces))}; nothing was sent. Set OCTANE_WORKSPACES, or plan "
            "again with --param workspace_id=ID."
        )
    verdicts: list[Verdict] = []
    with sending_lock(audit.path.parent):
        for verdict in _verdicts(octane, plan, audit, apply_id or new_apply_id(plan)):
            verdicts.append(verdict)
            if progress:
                progress(verdict)
    return verdicts


def new_apply_id(plan: Plan) -> str:
    """A name for one apply, which its lines in the audit log have: its time and the plan."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{plan.digest[:6]}"


def _verdicts(octane: Octane, plan: Plan, audit: AuditLog, apply_id: str) -> Iterator[Verdict]:
    writers: dict[str, _Writer] = {}
    is_lost = False
    for request in plan.requests:
        writer = writers.get(request.workspace_id)
        if writer is None:
            writer = _Writer(octane.workspace(request.workspace_id), plan, audit, apply_id)
            writers[request.workspace_id] = writer
        if is_lost:
            verdict = Verdict(request, "skipped", request.entity_id, "the server went away before")
        else:
            verdict = writer.write(request)
        is_lost = is_lost or verdict.outcome == "unknown"
        yield verdict


class _Writer:
    """One workspace: its items, and the ids that earlier steps gave."""

    def __init__(self, workspace: Workspace, plan: Plan, audit: AuditLog, apply_id: str) -> None:
        self._items = Items(workspace)
        self._plan = plan
        self._audit = audit
        self._apply_id = apply_id
        self._ids: dict[str, str] = {}

    def write(self, request: PlannedRequest) -> Verdict:
        """Compare, send and read again; the verdict is in the audit log when this returns."""
        try:
            verdict = self._write(self._with_ids(request))
        except _Stop as stop:
            verdict = Verdict(request, stop.outcome, stop.entity_id, stop.detail)
        except REFUSALS as error:
            verdict = Verdict(request, "refused", request.entity_id, str(error))
        except ServerError as error:
            verdict = Verdict(request, "unknown", request.entity_id, str(error))
        if verdict.is_good and verdict.entity_id:
            self._ids[f"step:{request.step}"] = verdict.entity_id
        self._log(
            "verdict",
            request,
            outcome=verdict.outcome,
            entity_id=verdict.entity_id,
            detail=verdict.detail,
        )
        return verdict

    def _with_ids(self, request: PlannedRequest) -> PlannedRequest:
        """The request with the ids of earlier steps in place of `step:N`."""

        def id_of(match: re.Match[str]) -> str:
            name = match.group(2)
            if name not in self._ids:
                raise _Stop("skipped", f"{name.replace(':', ' ')} did not give an id")
            return f"{match.group(1)}{self._ids[name]}{match.group(3)}"

        conditions = {name: request.expected.get(name, []) for name in ("some", "none")}
        conditions = json.loads(_QUERIED_STEP.sub(id_of, json.dumps(conditions)))
        body = json.loads(_REFERRED_STEP.sub(id_of, json.dumps(request.body)))
        return dataclasses.replace(request, expected={**request.expected, **conditions}, body=body)

    def _write(self, request: PlannedRequest) -> Verdict:
        now: dict[str, Any] = {}
        if request.entity_id is not None:
            now = self._items.read(request, request.entity_id)
            if not differences(request.body, now):
                raise _Stop("already", "it is so already", request.entity_id)
        self._check_conditions(request)
        if changes := differences(request.expected.get("fields", {}), now):
            raise _Stop(
                "changed", f"since the plan was made: {'; '.join(changes)}", request.entity_id
            )
        if request.entity_id is None:
            return self._create(request)
        return self._update(request, request.entity_id, now)

    def _check_conditions(self, request: PlannedRequest) -> None:
        for condition in request.expected.get("some", ()):
            if not self._items.matches(condition):
                raise _Stop("changed", f"no {_condition(condition)} is left", request.entity_id)
        for condition in request.expected.get("none", ()):
            if ids := self._items.matches(condition):
                text = f"{_condition(condition)} is there"
                if other := self._items.other_bytes(request, ids[0]):
                    raise _Stop("changed", f"{text}, but {other}")
                text += f": {', '.join(ids)}"
                if request.entity_id is None:
                    raise _Stop("already", text, ids[0])
                raise _Stop("changed", text, request.entity_id)

    def _create(self, request: PlannedRequest) -> Verdict:
        self._log("sending", request)
        try:
            id = self._items.create(request)
        except FileChanged as error:
            raise _Stop("changed", str(error)) from error
        return self._read_again(request, id)

    def _update(self, request: PlannedRequest, id: str, now: Mapping[str, Any]) -> Verdict:
        self._log("sending", request, before={name: now.get(name) for name in request.body})
        self._items.update(request, id, now.get(LOCK))
        return self._read_again(request, id)

    def _read_again(self, request: PlannedRequest, id: str) -> Verdict:
        """The item as it is after sending, and once more what the check before looked at."""
        try:
            differing = differences(request.body, self._items.read(request, id))
            if other := self._items.other_bytes(request, id):
                differing.append(other)
            overtaken = self._overtaken(request, id)
        except ServerError as error:
            detail = f"it was sent, and reading it again failed: {error}"
            return Verdict(request, "unknown", id, detail)
        if differing:
            return Verdict(request, "differs", id, f"it reads back as {'; '.join(differing)}")
        if overtaken:
            detail = f"it was sent, but somebody wrote meanwhile: {'; '.join(overtaken)}"
            return Verdict(request, "overtaken", id, detail)
        return Verdict(request, "done", id, "")

    def _overtaken(self, request: PlannedRequest, id: str) -> list[str]:
        """Conditions on other items, which no lock can hold, that do not hold after sending."""
        faults = [
            f"no {_condition(condition)} is left"
            for condition in request.expected.get("some", ())
            if not self._items.matches(condition)
        ]
        own = id if request.entity_id is None else None  # a new item is what there was none of
        for condition in request.expected.get("none", ()):
            if ids := [match for match in self._items.matches(condition) if match != own]:
                faults.append(f"{_condition(condition)} is there: {', '.join(ids)}")
        return faults

    def _log(self, event: str, request: PlannedRequest, **more: Any) -> None:
        self._audit.append(
            {
                "event": event,
                "apply": self._apply_id,
                "plan": self._plan.digest,
                "slug": self._plan.slug,
                "server_url": self._plan.server_url,
                "shared_space": self._plan.shared_space,
                "generation": self._plan.generation,
                **asdict(request),
                **more,
            }
        )


def _condition(condition: Mapping[str, str]) -> str:
    return f"{condition['entity_type']} with {condition['query']}"
