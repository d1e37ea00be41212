"""The commands about a damaged lake: check reads every file, go-back leaves a generation behind.

The data folder in; what was read, each fault and its remedy on the consoles out.
"""

from __future__ import annotations

from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, data_lake, errors, output, print_step


@app.command(epilog="Example: octane-flows check")
def check() -> None:
    """Read every file of the lake and compare it with the digest of when it was written."""
    from octane_flows import lake

    report = lake.check_lake(data_lake(), print_step)
    for fault in report.faults:
        errors.print(f"fault        {fault}", soft_wrap=True)
    output.print(
        f"check        {report.files:,} files ({report.bytes / 1e6:,.1f} MB) of "
        f"{report.generations} generations: "
        f"{f'{len(report.faults)} faults' if report.faults else 'all as they were written'}",
        soft_wrap=True,
    )
    if report.faults:
        raise typer.Exit(1)


@app.command("go-back", epilog="Example: octane-flows go-back")
def go_back(
    generation: Annotated[
        int | None,
        typer.Argument(help="Generation to go back to; none: the newest before that can be read."),
    ] = None,
) -> None:
    """Make an earlier generation of the lake the current one, when the newest is damaged."""
    from octane_flows import lake

    with lake.write_lock(data_folder(), "going back to a generation"):
        kept = lake.go_back(data_lake(), generation)
    output.print(
        f"go-back      generation {kept} is current; extract reads again what changed since, "
        "then build",
        soft_wrap=True,
    )
