"""The commands that write back: plan shows what would be sent, apply sends it after a yes.

Arguments in; a table or JSON on standard output, exit 1 when a request did not end well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box

from octane_flows.cli.command_line import (
    app,
    data_folder,
    errors,
    output,
    print_step,
    read_settings,
)
from octane_flows.cli.command_options import AsJson, Destination, Parameters, parameter_texts
from octane_flows.cli.question_help import QuestionCommand
from octane_flows.config import DEFAULT_PLAN_LIMIT
from octane_flows.console import PlainTable
from octane_flows.errors import UsageError

if TYPE_CHECKING:
    from octane_flows.actions import Plan, PlannedRequest, Verdict

FROM_QUERY_WORD = "from-query"
#: Verdicts of requests that changed nothing.
NOT_SENT = ("already", "changed", "refused", "skipped")


@app.command(
    "plan", cls=QuestionCommand, epilog="Example: octane-flows plan stories_with_completed_tasks"
)
def show_plan(
    slug: Annotated[
        str, typer.Argument(help="A flow that writes, see docs/writing-back.md; or from-query.")
    ],
    query: Annotated[
        str | None,
        typer.Argument(help="After from-query: a select of entity_type, id and fields to set."),
    ] = None,
    param: Parameters = None,
    as_json: AsJson = False,
    destination: Destination = None,
) -> None:
    """Show the requests that a flow would send; --output writes them to a file to review."""
    from octane_flows.actions import write_plan

    plan = _plan_of(slug, param, query)
    if destination is not None:
        write_plan(plan, destination)
        count = len(plan.requests)
        print_step(
            f"{count} requests in {destination}, digest {plan.digest}; send them with: "
            f"apply {destination} --digest {plan.digest} --yes"
        )
    elif as_json:
        records = [_request_record(request) for request in plan.requests]
        print(json.dumps(records, indent=1, ensure_ascii=False))
    else:
        _print_plan(plan)


@app.command("apply", epilog="Example: octane-flows apply plan.json --yes")
def send_plan(
    source: Annotated[
        str | None, typer.Argument(metavar="[FILE|SLUG]", help="A reviewed plan, or a flow.")
    ] = None,
    undo: Annotated[
        str | None,
        typer.Option(metavar="AUDIT-ID", help="Put back what this apply changed, no FILE or SLUG."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send it.")] = False,
    digest: Annotated[
        str | None, typer.Option(help="Send only the plan that has this digest.")
    ] = None,
    param: Parameters = None,
    most: Annotated[
        int, typer.Option("--max", min=1, help="Requests that the plan may have.")
    ] = DEFAULT_PLAN_LIMIT,
    as_json: AsJson = False,
) -> None:
    """Compare, send, read again: one verdict for each request of a plan."""
    from octane_flows.actions import AuditLog, apply_plan, audit_path, new_apply_id
    from octane_flows.client import Octane

    plan = _undoing(undo, source, param) if undo is not None else _plan_from(source, param)
    if digest is not None and digest != plan.digest:
        shown = source if undo is None else f"--undo {undo}"
        raise UsageError(
            f"Nothing was sent: the digest of this plan is {plan.digest} and not {digest}, so it "
            f"was changed since; look at it with 'octane-flows apply {shown}'."
        )
    if not yes:
        _print_plan(plan)
        raise UsageError("Nothing was sent; look at the requests and say --yes to send them.")
    settings = read_settings()
    audit = AuditLog(audit_path(settings.home))
    apply_id = new_apply_id(plan)
    with Octane(settings) as octane:
        verdicts = apply_plan(
            octane,
            plan,
            audit,
            server_url=settings.url,
            workspaces=octane.workspace_ids(settings.workspaces)
            if settings.workspaces is not None
            else None,
            limit=most,
            progress=_print_progress,
            apply_id=apply_id,
            query_writes=settings.query_writes,
        )
    if as_json:
        records = [_verdict_record(verdict) for verdict in verdicts]
        print(json.dumps(records, indent=1, ensure_ascii=False))
    else:
        _print_verdicts(verdicts)
        print_step(f"plan {plan.slug}, digest {plan.digest}")
        print_step(f"audit log: {audit.path}; extract again to see the change in the answers")
        if any(verdict.outcome not in NOT_SENT for verdict in verdicts):
            print_step(f"what was changed can be put back: octane-flows apply --undo {apply_id}")
    if not all(verdict.is_good for verdict in verdicts):
        raise typer.Exit(1)


def _plan_from(source: str | None, param: list[str] | None) -> Plan:
    from octane_flows.actions import read_plan

    if source is None:
        raise UsageError(
            "Name the plan's FILE or a SLUG, or an earlier apply with --undo AUDIT-ID."
        )
    path = Path(source)
    is_file = path.is_file() or path.suffix == ".json"
    if is_file:
        return read_plan(path)
    return _plan_of(source, param)


def _undoing(apply_id: str, source: str | None, param: list[str] | None) -> Plan:
    from octane_flows.actions import AuditLog, audit_path, undo_plan

    if source is not None or param:
        raise UsageError("--undo takes the id of an apply alone; leave out FILE, SLUG and --param.")
    undo = undo_plan(AuditLog(audit_path(data_folder())), apply_id)
    for words in undo.left:
        errors.print(f"not undone   {words}", soft_wrap=True)
    return undo.plan


def _plan_of(slug: str, param: list[str] | None, query: str | None = None) -> Plan:
    """The plan of a flow or a query; says why it has no requests, and which values it lacks."""
    from octane_flows import warehouse
    from octane_flows.actions import make_plan, plan_from_query

    is_query = slug == FROM_QUERY_WORD
    if is_query and (query is None or param):
        raise UsageError(
            f"Write the select behind {FROM_QUERY_WORD}, without --param: octane-flows plan "
            f'{FROM_QUERY_WORD} "select ..." --output FILE; apply takes the FILE.'
        )
    if query is not None and not is_query:
        raise UsageError(
            f"'{query}' stands behind the plan {slug}; write parameters as --param NAME=VALUE."
        )
    with warehouse.connect(data_folder()) as connection:
        if query is not None:
            made = plan_from_query(connection, query)
        else:
            made = make_plan(connection, slug, parameter_texts(param))
    for warning in made.warnings:
        errors.print(f"warning      {warning}", soft_wrap=True)
    if made.reason:
        print_step(f"0 requests: {made.reason}")
    return made.plan


def _print_progress(verdict: Verdict) -> None:
    request = verdict.request
    print_step(f"workspace {request.workspace_id}, step {request.step}: {verdict.outcome}")


def _request_record(request: PlannedRequest) -> dict[str, object]:
    return dict(vars(request))


def _verdict_record(verdict: Verdict) -> dict[str, object]:
    return {
        **_request_record(verdict.request),
        "outcome": verdict.outcome,
        "entity_id": verdict.entity_id,
        "detail": verdict.detail,
    }


def _print_plan(plan: Plan) -> None:
    table = _table("workspace", "step", "operation", "item", "is now", "sends", "because")
    for request in plan.requests:
        table.add_row(
            request.workspace_id,
            str(request.step),
            request.operation,
            _item(request, request.entity_id),
            _present(request),
            json.dumps(dict(request.body), ensure_ascii=False),
            request.reason,
        )
    output.print(table)
    for request in plan.requests:
        if "file" in request.expected:
            file = request.expected["file"]
            output.print(f"step {request.step} uploads {file['path']} ({file['bytes']:,} bytes)")
    output.print(
        f"{len(plan.requests)} requests of {plan.slug}, from generation {plan.generation}, digest "
        f"{plan.digest}"
    )


def _print_verdicts(verdicts: list[Verdict]) -> None:
    table = _table("workspace", "step", "item", "verdict", "detail")
    for verdict in verdicts:
        request = verdict.request
        item = _item(request, verdict.entity_id)
        cells = (request.workspace_id, str(request.step), item, verdict.outcome, verdict.detail)
        table.add_row(*cells)
    output.print(table)


def _table(*names: str) -> PlainTable:
    table = PlainTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def _item(request: PlannedRequest, entity_id: str | None) -> str:
    return " ".join(filter(None, (request.entity_type, entity_id, request.entity_name)))


def _present(request: PlannedRequest) -> str:
    """The values that the plan expects the item to have."""
    from octane_flows.actions.value_comparison import shown

    fields = request.expected.get("fields", {})
    return "; ".join(f"{name}: {shown(value)}" for name, value in fields.items())
