"""The command that compares the warehouse with the live server: verify.

Arguments in; a table or JSON on standard output, exit 1 on a difference.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box

from octane_flows.cli.command_line import app, data_folder, output, print_step, read_settings
from octane_flows.cli.command_options import AsJson, Parameters, parameter_texts
from octane_flows.console import PlainTable

if TYPE_CHECKING:
    from octane_flows.parity import Difference, Verification

IDS_SHOWN = 5  # differing ids in the table; JSON has them all


@app.command(epilog="Example: octane-flows verify planned_runs --param release_name=2.9")
def verify(
    slugs: Annotated[
        list[str] | None, typer.Argument(metavar="[SLUG]...", help="Flows; none: all.")
    ] = None,
    param: Parameters = None,
    as_json: AsJson = False,
    accept_changes: Annotated[
        bool, typer.Option(help="Let pass what changed in Octane since the extract.")
    ] = False,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read all entities afresh and evaluate each flow over them."),
    ] = False,
    most: Annotated[
        int | None, typer.Option(min=1, help="Rows that one request may match.")
    ] = None,
) -> None:
    """Ask the server each flow's documented REST requests; compare ids and values shown.

    With --deep, every row and column of each flow is compared with an evaluation in plain Python.
    """
    from octane_flows import parity, warehouse
    from octane_flows.client import Octane
    from octane_flows.parity.comparison_record import record_comparisons

    parameters = parameter_texts(param)
    verifications: list[Verification] = []
    with Octane(read_settings()) as octane, warehouse.connect(data_folder()) as connection:
        for verification in parity.verify(
            octane, connection, slugs or (), parameters, most=most or parity.MOST_ROWS, deep=deep
        ):
            print_step(
                f"{verification.slug:<40} workspace {verification.workspace_id}  "
                f"{verification.status}"
            )
            verifications.append(verification)
        records = [verification.as_dict() for verification in verifications]
        if not os.access(data_folder(), os.W_OK):
            print_step("the report will not show it, as the data folder may only be read")
        elif not parameters:  # the report shows the flows with their defaults
            record_comparisons(data_folder(), connection, records, datetime.now(UTC))
    if as_json:
        print(json.dumps(records, indent=1, ensure_ascii=False))
    else:
        _print_verifications(verifications)
    passing = {"equal", "not compared", *(["changed"] if accept_changes else [])}
    if any(verification.status not in passing for verification in verifications):
        raise typer.Exit(1)


def _print_verifications(verifications: list[Verification]) -> None:
    table = PlainTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("flow", "slug", "workspace", "Octane", "warehouse", "result"):
        table.add_column(name, justify="right" if name in ("Octane", "warehouse") else "left")
    for verification in verifications:
        table.add_row(
            _count(verification.number),
            verification.slug,
            verification.workspace_id,
            _count(verification.octane_count),
            _count(verification.warehouse_count),
            verification.status,
        )
    output.print(table)
    for verification in verifications:
        if verification.message:
            output.print(f"{verification.slug}: {verification.message}", soft_wrap=True)
        if verification.compared:
            output.print(f"{verification.slug}: compared {verification.compared}", soft_wrap=True)
        for difference in verification.differences[:IDS_SHOWN]:
            output.print(
                f"    {difference.id} {_where(difference)}: {difference.reason} "
                f"({difference.detail})",
                soft_wrap=True,
            )
        if (hidden := len(verification.differences) - IDS_SHOWN) > 0:
            output.print(f"    and {hidden} more; --json has them all")
    statuses = [verification.status for verification in verifications]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    output.print(f"{len(verifications)} comparisons: {counts}")


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _where(difference: Difference) -> str:
    return "in both" if difference.only_in == "neither" else f"only in {difference.only_in}"
