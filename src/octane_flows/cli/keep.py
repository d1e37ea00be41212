"""Commands that keep the data current: extract, build, run, status.

Settings from the environment in; what was published on standard output, progress on standard error.
"""

from __future__ import annotations

from typing import Annotated

import typer

from octane_flows.cli.frame import (
    Skip,
    app,
    data_folder,
    extract_progress,
    output,
    read_settings,
    say_build,
    say_extract,
    step,
)


@app.command(epilog="Example: octane-flows extract defect story")
def extract(
    entities: Annotated[
        list[str] | None, typer.Argument(metavar="[ENTITY]...", help="Entity types; none: all.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, as this version always does.")
    ] = False,
    skip: Skip = None,
) -> None:
    """Read the server into a new generation of the lake."""
    from octane_flows import refresh

    settings = read_settings()
    with extract_progress() as progress:
        report = refresh.extract(settings, only=entities or (), skip=skip or (), progress=progress)
    say_extract(report)


@app.command(epilog="Example: octane-flows build")
def build(
    full: Annotated[
        bool, typer.Option("--full", help="Rebuild every table, not only what changed.")
    ] = False,
) -> None:
    """Bring the DuckDB warehouse to the lake's current generation, check it, swap it in."""
    from octane_flows import warehouse

    say_build(warehouse.build(data_folder(), full=full, progress=step))


@app.command(epilog="Example: octane-flows run")
def run(skip: Skip = None) -> None:
    """Extract, build, check and report in one."""
    from octane_flows import refresh

    settings = read_settings()
    with extract_progress() as progress:
        report = refresh.refresh(settings, skip=skip or (), progress=progress)
    say_extract(report.extract)
    say_build(report.build)
    output.print(f"report       {report.page}", soft_wrap=True)


@app.command(epilog="Example: octane-flows status")
def status() -> None:
    """Tell what the lake and the warehouse hold, and how complete it is."""
    from octane_flows.answers import print_status

    print_status(data_folder(), output)
