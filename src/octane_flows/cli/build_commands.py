"""The commands that build the warehouse: build from the lake as it is, run after an extract.

Settings from the environment in; what was published on standard output, progress on standard error.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from octane_flows.cli.command_line import (
    app,
    data_folder,
    data_lake,
    output,
    print_step,
    read_settings,
)
from octane_flows.cli.command_options import ChosenEngine, Engine, Master, Skip, Wait
from octane_flows.cli.published_messages import (
    extract_progress,
    print_build,
    print_extract,
    require_complete,
)
from octane_flows.cli.spark_engine import build_on_spark, refuse_master
from octane_flows.config import load_warehouse_workspaces


@app.command(epilog="Example: octane-flows build")
def build(
    full: Annotated[
        bool, typer.Option("--full", help="Rebuild every table, not only what changed.")
    ] = False,
    count: Annotated[
        bool,
        typer.Option(
            "--count",
            help="Run every flow, metric and plan with its defaults too: count rows, check keys.",
        ),
    ] = False,
    workspace: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID|NAME",
            help="Workspace that the warehouse is to hold, or all; repeatable. "
            "Without it: those that it was built for, at first all.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="A line for each table and model.")
    ] = False,
    engine: ChosenEngine = Engine.duckdb,
    master: Master = None,
) -> None:
    """Bring the DuckDB warehouse to the lake's current generation, check it, swap it in.

    With --engine spark, Spark writes the same tables and answers as Parquet files beside it:

    \b
    octane-flows build --engine spark --master spark://host:7077
    """
    workspaces = workspace or load_warehouse_workspaces(os.environ)
    if engine is Engine.spark:
        build_on_spark(master, workspaces, verbose=verbose)
        return
    refuse_master(master)
    from octane_flows import warehouse

    report = warehouse.build(
        data_folder(),
        lake=data_lake(),
        workspaces=workspaces,
        full=full,
        count_questions=count,
        progress=print_step if verbose else None,
    )
    print_build(report)


@app.command(epilog="Example: octane-flows run")
def run(wait: Wait = 0.0, skip: Skip = None) -> None:
    """Extract, build, check and report in one."""
    from octane_flows import refresh

    settings = read_settings()
    with extract_progress() as progress:
        report = refresh.refresh(settings, skip=skip or (), wait_s=wait, progress=progress)
    print_extract(report.extract)
    print_build(report.build)
    output.print(f"report       {report.page}", soft_wrap=True)
    require_complete(report.extract)
