"""The command line's frame: the Typer app, its consoles, what several commands need.

Nothing in; `app`, options and helpers out. The command modules beside this one register themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from octane_flows import __version__
from octane_flows.console import plain_console
from octane_flows.errors import CheckError, UsageError

errors = plain_console(stderr=True, soft_wrap=True)
output = plain_console()

app = typer.Typer(
    name="octane-flows",
    help="ALM Octane's documented flows as queries. Settings come from OCTANE_* variables or "
    "octane-flows.toml; start with: octane-flows demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class Engine(StrEnum):
    """Who answers."""

    duckdb = "duckdb"
    spark = "spark"


Answerer = Annotated[Engine, typer.Option("--engine", help="duckdb, or spark with --master.")]
Master = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Spark's address: spark://HOST:7077, yarn, or local[2] for this machine.",
    ),
]
Skip = Annotated[list[str] | None, typer.Option(help="Entity type to leave out; repeatable.")]
Destination = Annotated[
    Path | None, typer.Option("--output", help="File to write instead of the terminal.")
]
Style = Annotated[Format, typer.Option("--format", help="How to write the rows.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Generation, date (its end) or UTC time to look back to."),
]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def read_settings() -> Any:
    """All settings, checked."""
    from octane_flows.config import load_settings

    return load_settings(os.environ)


def data_folder() -> Path:
    """The data folder alone, for commands that need no server."""
    from octane_flows.config import load_home

    return load_home(os.environ)


def data_lake() -> Any:
    """The lake of the settings: a folder of the data folder, or a bucket."""
    from octane_flows.config import load_lake
    from octane_flows.lake import open_lake

    return open_lake(data_folder(), load_lake(os.environ))


def open_warehouse(as_of: str | None) -> Any:
    """A read-only connection to the published warehouse, or to that of a past generation."""
    from octane_flows import warehouse

    if as_of is None:
        return warehouse.connect(data_folder())
    return warehouse.connect_as_of(data_folder(), as_of, lake=data_lake(), progress=step)


def on_spark() -> Any:
    """The part that knows Spark, which an installation may lack."""
    try:
        from octane_flows import spark
    except ImportError as error:
        raise UsageError(
            f"The engine spark needs what is not installed here ({error}); "
            "install it with: pip install 'octane-flows[spark]'"
        ) from error
    return spark


@contextmanager
def spark_session(master: str | None) -> Iterator[Any]:
    """A session of Spark on a master; what Spark says goes into the data folder."""
    spark = on_spark()
    if not master:
        raise UsageError("The engine spark needs its address: add --master, such as local[2].")
    with spark.open_session(master, spark.spark_folder(data_folder()) / spark.LOG) as session:
        yield session


def duckdb_alone(master: str | None) -> None:
    """Refuse an address of Spark where DuckDB is asked."""
    if master:
        raise UsageError("--master is Spark's address; add --engine spark, or leave it out.")


def step(text: str) -> None:
    """Tell of one step on standard error."""
    errors.print(text, style="dim")


@contextmanager
def extract_progress() -> Iterator[Any]:
    """A progress bar; gives the function to call with name, done and total."""
    columns = (
        TextColumn("extract"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("signing in", total=None)

        def update(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        yield update


def say_extract(report: Any) -> None:
    """Tell what an extract published."""
    as_of: datetime = report.manifest.as_of
    done = (
        f"{report.rows_written:,} new versions of {report.rows:,} rows read"
        if report.has_changes
        else f"nothing changed, {report.rows:,} rows read"
    )
    output.print(
        f"generation   {report.manifest.generation}, as of {as_of:%Y-%m-%d %H:%M:%S} UTC: {done}, "
        f"{len(report.outcomes)} entity types, "
        f"{report.manifest.politeness['requests']:,} requests",
        soft_wrap=True,
    )
    if report.resumed:
        output.print(f"resumed      {report.resumed} entity types that a stopped extract had read")
    asked = [row for row in report.manifest.certificate if row.status != "carried"]
    workspaces = {row.workspace for row in asked}
    for row in asked:
        if row.note:
            where = f"in workspace {row.workspace}: " if len(workspaces) > 1 else ""
            output.print(f"{row.entity:<12} {where}{row.note}", soft_wrap=True)
    for change in report.manifest.schema_changes:
        if change.generation == report.manifest.generation:
            output.print(
                f"schema       {change.entity}.{change.field} {change.change} {change.detail}",
                soft_wrap=True,
            )
    for finding in report.manifest.findings:
        if finding.workspace in workspaces:
            errors.print(f"finding      {finding}")


def say_built_on_spark(built: Any) -> None:
    """Tell what Spark published, and name each model that it refused."""
    refused = {name: one for name, one in built.models.items() if one.status == "refused"}
    output.print(
        f"spark        generation {built.generation}: {len(built.tables)} tables, "
        f"{len(built.models) - len(refused)} of {len(built.models)} models in {built.folder}",
        soft_wrap=True,
    )
    partial = [name for name, one in built.models.items() if one.status == "partial"]
    if partial:
        errors.print(
            f"partial      {len(partial)} models read what the lake does not hold; "
            f"see {built.folder / 'published.json'}",
        )
    for name, one in refused.items():
        errors.print(f"refused      {name}: {one.reason}")


def say_build(report: Any) -> None:
    """Tell what a build published; a blocking check that failed raises CheckError."""
    if report.newer is not None:
        output.print(
            f"warehouse    generation {report.newer} was published meanwhile and stays: it is "
            f"newer than {report.generation}, which this build read",
            soft_wrap=True,
        )
        return
    failed = [check for check in report.checks if not check.passed]
    output.print(
        f"warehouse    {len(report.tables)} tables, {len(report.models)} models, "
        f"{len(report.checks) - len(failed)} of {len(report.checks)} checks passed",
        soft_wrap=True,
    )
    partial = [model for model in report.models if model.status == "partial"]
    if partial:
        errors.print(
            f"partial      {len(partial)} models read what the lake does not hold; "
            "see meta.missing and meta.models",
        )
    for check in failed:
        errors.print(f"{check.severity:<12} {check.name}: {check.detail}")
    if any(check.severity == "error" for check in failed):
        raise CheckError("A blocking check failed; see above.")
