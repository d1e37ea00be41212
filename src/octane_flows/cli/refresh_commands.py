"""Commands that keep the data current: extract, census, sweep, build, run, status.

Settings from the environment in; what was published on standard output, progress on standard error.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from octane_flows.cli.command_line import (
    Answerer,
    Engine,
    Master,
    Skip,
    app,
    data_folder,
    data_lake,
    duckdb_alone,
    extract_progress,
    on_spark,
    output,
    read_settings,
    say_build,
    say_built_on_spark,
    say_extract,
    spark_session,
    step,
)
from octane_flows.config import DEFAULT_SWEEP_SHARE, load_warehouse_workspaces
from octane_flows.errors import UsageError

Entities = Annotated[
    list[str] | None, typer.Argument(metavar="[ENTITY]...", help="Entity types; none: all.")
]
Wait = Annotated[
    float, typer.Option(metavar="SECONDS", help="Wait so long for another extract to end.")
]
Deletions = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-deletions",
        metavar="ENTITY",
        help="Entity type of which many rows were really deleted; repeatable.",
    ),
]
Retyped = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-retyped",
        metavar="ENTITY.FIELD",
        help="Field whose new type is accepted: its entity type is read again; repeatable.",
    ),
]
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@app.command(epilog="Example: octane-flows extract defect story")
def extract(
    entities: Entities = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again instead of what changed.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=TIMES, help="First load: only what changed since (UTC). Later: an older slice."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=TIMES, help="End of the older slice (UTC), itself left out."),
    ] = None,
    accept_deletions: Deletions = None,
    accept_retyped: Retyped = None,
    wait: Wait = 0.0,
    skip: Skip = None,
) -> None:
    """Bring the lake up to date: read what changed into a new generation."""
    if full and (since or until):
        raise UsageError("--full reads everything, so it takes neither --since nor --until.")
    _extract(
        only=entities or (),
        full=full,
        since=_utc(since),
        until=_utc(until),
        accept_deletions=accept_deletions or (),
        accept_retyped=accept_retyped or (),
        wait_s=wait,
        skip=skip or (),
    )


@app.command(epilog="Example: octane-flows census defect")
def census(
    entities: Entities = None,
    accept_deletions: Deletions = None,
    wait: Wait = 0.0,
    skip: Skip = None,
) -> None:
    """Extract, then compare the ids held with the server's, to find deleted and missed rows."""
    _extract(
        only=entities or (),
        census=True,
        accept_deletions=accept_deletions or (),
        wait_s=wait,
        skip=skip or (),
    )


@app.command(epilog="Example: octane-flows sweep defect --share 1")
def sweep(
    entities: Entities = None,
    share: Annotated[
        float, typer.Option(min=0.001, max=1, help="Share of the rows to sweep this time.")
    ] = DEFAULT_SWEEP_SHARE,
    accept_deletions: Deletions = None,
    wait: Wait = 0.0,
    skip: Skip = None,
) -> None:
    """Extract, then read links alone, to find changed links whose rows do not say so."""
    _extract(
        only=entities or (),
        sweep=True,
        sweep_share=share,
        accept_deletions=accept_deletions or (),
        wait_s=wait,
        skip=skip or (),
    )


def _extract(**choices: Any) -> None:
    from octane_flows import refresh

    settings = read_settings()
    with extract_progress() as progress:
        report = refresh.extract(settings, progress=progress, **choices)
    say_extract(report)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None


@app.command(epilog="Example: octane-flows build")
def build(
    full: Annotated[
        bool, typer.Option("--full", help="Rebuild every table, not only what changed.")
    ] = False,
    workspace: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Workspace that the warehouse is to hold, or all; repeatable. "
            "Without it: those that it was built for, at first all.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="A line for each table and model.")
    ] = False,
    engine: Answerer = Engine.duckdb,
    master: Master = None,
) -> None:
    """Bring the DuckDB warehouse to the lake's current generation, check it, swap it in.

    With --engine spark, Spark writes the same tables and answers as Parquet files beside it:

    \b
    octane-flows build --engine spark --master spark://host:7077
    """
    progress = step if verbose else None
    workspaces = workspace or load_warehouse_workspaces(os.environ)
    if engine is Engine.spark:
        with spark_session(master) as session:
            built = on_spark().build(
                data_folder(),
                session,
                lake=data_lake(),
                workspaces=workspaces,
                progress=progress,
            )
        say_built_on_spark(built)
        return
    duckdb_alone(master)
    from octane_flows import warehouse

    say_build(
        warehouse.build(
            data_folder(), lake=data_lake(), workspaces=workspaces, full=full, progress=progress
        )
    )


@app.command(epilog="Example: octane-flows run")
def run(wait: Wait = 0.0, skip: Skip = None) -> None:
    """Extract, build, check and report in one."""
    from octane_flows import refresh

    settings = read_settings()
    with extract_progress() as progress:
        report = refresh.refresh(settings, skip=skip or (), wait_s=wait, progress=progress)
    say_extract(report.extract)
    say_build(report.build)
    output.print(f"report       {report.page}", soft_wrap=True)


@app.command(epilog="Example: octane-flows status")
def status() -> None:
    """Tell what the lake and the warehouse hold, and how complete it is."""
    from octane_flows.status import print_status

    print_status(data_folder(), data_lake(), output)
