"""The command that proves the warehouse against the live server: verify.

Arguments in; a table or JSON on standard output, exit 1 on a difference.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from octane_flows.cli.command_line import app, data_folder, output, read_settings, step
from octane_flows.cli.question_commands import Parameters

if TYPE_CHECKING:
    from octane_flows.parity import Difference, Verification

IDS_SHOWN = 5  # differing ids in the table; JSON has them all


@app.command(epilog="Example: octane-flows verify planned_runs --param release_name=2.9")
def verify(
    slugs: Annotated[
        list[str] | None, typer.Argument(metavar="[SLUG]...", help="Flows; none: all.")
    ] = None,
    param: Parameters = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    accept_changes: Annotated[
        bool, typer.Option(help="Let pass what changed in Octane since the extract.")
    ] = False,
    most: Annotated[
        int | None, typer.Option(min=1, help="Rows that one request may match.")
    ] = None,
) -> None:
    """Ask the server each flow's documented REST requests and compare ids with the warehouse."""
    from octane_flows import parity, warehouse
    from octane_flows.client import Octane
    from octane_flows.parity.comparison_record import record_comparisons
    from octane_flows.questions.answer_formats import parse_parameters

    parameters = parse_parameters(param or [])
    found: list[Verification] = []
    with Octane(read_settings()) as octane, warehouse.connect(data_folder()) as connection:
        for one in parity.verify(
            octane, connection, slugs or (), parameters, most=most or parity.MOST_ROWS
        ):
            step(f"{one.slug:<40} workspace {one.workspace_id}  {one.status}")
            found.append(one)
        if not parameters:  # the report tells of the flows as it shows them
            record_comparisons(
                data_folder(), connection, [one.as_dict() for one in found], datetime.now(UTC)
            )
    if as_json:
        print(json.dumps([one.as_dict() for one in found], indent=1, ensure_ascii=False))
    else:
        _print(found)
    passing = {"equal", "not compared", *(["changed"] if accept_changes else [])}
    if any(one.status not in passing for one in found):
        raise typer.Exit(1)


def _print(found: list[Verification]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("flow", "slug", "workspace", "Octane", "warehouse", "result"):
        table.add_column(name, justify="right" if name in ("Octane", "warehouse") else "left")
    for one in found:
        counts = ["" if n is None else f"{n:,}" for n in (one.octane_count, one.warehouse_count)]
        cells = (str(one.number), one.slug, one.workspace_id, *counts, one.status)
        table.add_row(*cells)
    output.print(table)
    for one in found:
        if one.message:
            output.print(f"{one.slug}: {one.message}", soft_wrap=True)
        for difference in one.differences[:IDS_SHOWN]:
            output.print(
                f"    {difference.id} {_where(difference)}: {difference.reason} "
                f"({difference.detail})",
                soft_wrap=True,
            )
        if len(one.differences) > IDS_SHOWN:
            output.print(f"    and {len(one.differences) - IDS_SHOWN} more; --json has them all")
    statuses = [one.status for one in found]
    said = ", ".join(f"{statuses.count(one)} {one}" for one in dict.fromkeys(statuses))
    output.print(f"{len(found)} comparisons: {said}")


def _where(difference: Difference) -> str:
    return "in both" if difference.only_in == "neither" else f"only in {difference.only_in}"
