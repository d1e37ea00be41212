"""The commands that write back: plan shows what would be sent, apply sends it after a yes.

Arguments in; a table or JSON on standard output, exit 1 when a request did not end well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from octane_flows.cli.command_line import Destination, app, data_folder, output, read_settings, step
from octane_flows.cli.question_commands import Parameters
from octane_flows.config import DEFAULT_PLAN_LIMIT

if TYPE_CHECKING:
    from octane_flows.actions import Plan, Verdict

Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command(epilog="Example: octane-flows plan stories_with_completed_tasks")
def plan(
    slug: Annotated[str, typer.Argument(help="A flow that writes, see docs/flows.md")],
    param: Parameters = None,
    as_json: Json = False,
    destination: Destination = None,
) -> None:
    """Show the requests that a flow would send; --output writes them to a file to review."""
    from octane_flows.actions import write_plan

    made = _make(slug, param)
    if destination is not None:
        write_plan(made, destination)
        step(f"{len(made.requests)} requests in {destination}; send them with: apply {destination}")
    elif as_json:
        print(json.dumps([_as_dict(one) for one in made.requests], indent=1, ensure_ascii=False))
    else:
        _print_plan(made)


@app.command(epilog="Example: octane-flows apply plan.json --yes")
def apply(
    source: Annotated[str, typer.Argument(metavar="FILE|SLUG", help="A reviewed plan, or a flow.")],
    yes: Annotated[bool, typer.Option("--yes", help="Send it.")] = False,
    param: Parameters = None,
    most: Annotated[
        int, typer.Option("--max", min=1, help="Requests that the plan may have.")
    ] = DEFAULT_PLAN_LIMIT,
    as_json: Json = False,
) -> None:
    """Compare, send, read again: one verdict for each request of a plan."""
    from octane_flows.actions import AuditLog, apply_plan, audit_path, read_plan
    from octane_flows.client import Octane
    from octane_flows.errors import UsageError

    path = Path(source)
    made = read_plan(path) if path.is_file() or path.suffix == ".json" else _make(source, param)
    if not yes:
        _print_plan(made)
        raise UsageError("Nothing was sent; look at the requests and say --yes to send them.")
    settings = read_settings()
    audit = AuditLog(audit_path(settings.home))
    with Octane(settings) as octane:
        verdicts = apply_plan(
            octane, made, audit, server_url=settings.url, limit=most, progress=_say
        )
    if as_json:
        print(json.dumps([_verdict(one) for one in verdicts], indent=1, ensure_ascii=False))
    else:
        _print_verdicts(verdicts)
        step(f"audit log: {audit.path}; extract again to see the change in the answers")
    if not all(one.is_good for one in verdicts):
        raise typer.Exit(1)


def _make(slug: str, param: list[str] | None) -> Plan:
    from octane_flows import warehouse
    from octane_flows.actions import make_plan
    from octane_flows.questions.answer_formats import parse_parameters

    with warehouse.connect(data_folder()) as connection:
        return make_plan(connection, slug, parse_parameters(param or []))


def _say(verdict: Verdict) -> None:
    request = verdict.request
    step(f"workspace {request.workspace_id}, step {request.step}: {verdict.outcome}")


def _as_dict(request: object) -> dict[str, object]:
    return dict(vars(request))


def _verdict(verdict: Verdict) -> dict[str, object]:
    own = {"outcome": verdict.outcome, "entity_id": verdict.entity_id, "detail": verdict.detail}
    return {**_as_dict(verdict.request), **own}


def _print_plan(made: Plan) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("workspace", "step", "operation", "item", "sends", "because"):
        table.add_column(name, overflow="fold")
    for one in made.requests:
        item = " ".join(filter(None, (one.entity_type, one.entity_id, one.entity_name)))
        body = json.dumps(dict(one.body), ensure_ascii=False)
        cells = (one.workspace_id, str(one.step), one.operation, item, body, one.reason)
        table.add_row(*cells)
    output.print(table)
    output.print(f"{len(made.requests)} requests, from generation {made.generation}")


def _print_verdicts(verdicts: list[Verdict]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("workspace", "step", "item", "verdict", "detail"):
        table.add_column(name, overflow="fold")
    for one in verdicts:
        request = one.request
        item = " ".join(filter(None, (request.entity_type, one.entity_id, request.entity_name)))
        cells = (request.workspace_id, str(request.step), item, one.outcome, one.detail)
        table.add_row(*cells)
    output.print(table)
