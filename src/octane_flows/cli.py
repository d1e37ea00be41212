"""The command line: one command per thing a user does, `main` its entry point.

Arguments and environment in; answers on standard output, progress and errors on standard error.
Exit 0 fine, 1 a check failed or an extract is incomplete, 2 usage or settings.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from octane_flows import __version__
from octane_flows.errors import CheckError, OctaneFlowsError, UsageError

errors = Console(stderr=True, highlight=False, soft_wrap=True)
output = Console(highlight=False)

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


class Dataset(StrEnum):
    """What a simulator holds when it starts."""

    demo = "demo"
    ci_history = "ci-history"
    empty = "empty"


Skip = Annotated[list[str] | None, typer.Option(help="Entity type to leave out; repeatable.")]


@app.command(epilog="Example: octane-flows demo --home demo")
def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo's data.")] = Path("demo"),
) -> None:
    """Do the whole job on real CI results, against a simulated Octane server."""
    from octane_flows import demo as demonstration

    demonstration.run(home, output=output, console=errors)


@app.command(epilog="Example: octane-flows simulate --port 0 --dataset empty")
def simulate(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    dataset: Annotated[Dataset, typer.Option(help="What it holds.")] = Dataset.demo,
    seed: Annotated[int, typer.Option(help="Makes ids and names repeatable.")] = 1,
) -> None:
    """Run a simulated Octane server until interrupted; prints one JSON line when it is ready."""
    from octane_flows.simulator import Simulator, serve

    simulator = Simulator(dataset=dataset.value, seed=seed)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(simulator, port=port) as running:
        facts = {
            "url": running.url,
            "client_id": running.client_id,
            "client_secret": running.client_secret,
            "shared_space": running.shared_space,
            "workspace": running.workspace,
        }
        print(json.dumps(facts), flush=True)
        stop.wait()


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

    settings = _settings()
    with _extract_progress() as progress:
        report = refresh.extract(settings, only=entities or (), skip=skip or (), progress=progress)
    _say_extract(report)


@app.command(epilog="Example: octane-flows build")
def build() -> None:
    """Build the DuckDB warehouse from the lake's current generation, check it, swap it in."""
    from octane_flows import warehouse

    _say_build(warehouse.build(_home(), progress=_step))


@app.command(epilog="Example: octane-flows run")
def run(skip: Skip = None) -> None:
    """Extract, build, check and report in one."""
    from octane_flows import refresh

    settings = _settings()
    with _extract_progress() as progress:
        report = refresh.refresh(settings, skip=skip or (), progress=progress)
    _say_extract(report.extract)
    _say_build(report.build)
    output.print(f"report       {report.page}", soft_wrap=True)


@app.command(epilog="Example: octane-flows flows --json")
def flows(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the flows with their parameters."""
    from octane_flows.answers import print_flows

    print_flows(output, as_json=as_json)


@app.command(
    epilog="Example: octane-flows flow modules_with_recent_failures --param hours=72 --format csv"
)
def flow(
    slug: Annotated[str, typer.Argument(help="The flow's name, see: octane-flows flows")],
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter; repeatable.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the rows.")] = Format.table,
    destination: Annotated[
        Path | None, typer.Option("--output", help="File to write instead of the terminal.")
    ] = None,
) -> None:
    """Answer one flow from the warehouse."""
    from octane_flows import warehouse
    from octane_flows.answers import parse_parameters, write_answer
    from octane_flows.flows import flow_named, run_flow

    flow_named(slug)
    parameters = parse_parameters(param or [])
    with warehouse.connect(_home()) as connection:
        answer = run_flow(connection, slug, parameters)
    write_answer(answer, format.value, destination, output)


@app.command(epilog='Example: octane-flows query "select count(*) as runs from er.runs"')
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over octane.*, er.*, flow.*, meta.*")],
    format: Annotated[Format, typer.Option(help="How to write the rows.")] = Format.table,
    destination: Annotated[
        Path | None, typer.Option("--output", help="File to write instead of the terminal.")
    ] = None,
) -> None:
    """Ask the warehouse in SQL; it is opened read-only."""
    from octane_flows import warehouse
    from octane_flows.answers import run_sql, write_answer

    with warehouse.connect(_home()) as connection:
        answer = run_sql(connection, sql)
    write_answer(answer, format.value, destination, output)


@app.command(epilog="Example: octane-flows show er.application_modules --limit 5")
def show(
    table: Annotated[str, typer.Argument(help="Schema and name, such as octane.defect")],
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
) -> None:
    """Show a table's columns with their meanings, and its first rows."""
    from octane_flows import warehouse
    from octane_flows.answers import show_table

    with warehouse.connect(_home()) as connection:
        show_table(connection, table, limit, output)


@app.command(epilog="Example: octane-flows report")
def report() -> None:
    """Write the HTML report of the flows' answers."""
    from octane_flows import reports

    output.print(str(reports.write(_home())), soft_wrap=True)


@app.command(epilog="Example: octane-flows status")
def status() -> None:
    """Tell what the lake and the warehouse hold, and how complete it is."""
    from octane_flows.answers import print_status

    print_status(_home(), output)


@app.command(epilog="Example: octane-flows doctor")
def doctor() -> None:
    """Check settings, data folder, server, sign-in and role, one line each."""
    from octane_flows.doctor import examine

    if not examine(os.environ, output):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line and turn every expected failure into one sentence and an exit code."""
    try:
        app()
    except OctaneFlowsError as error:
        errors.print(f"octane-flows: {error}", markup=False)
        sys.exit(error.exit_code)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        errors.print(
            f"octane-flows: {named}{error.strerror or error}; check the path, its rights and the "
            "free space.",
            markup=False,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("octane-flows: stopped; what was published before is still whole.")
        sys.exit(130)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def _settings() -> Any:
    from octane_flows.config import load_settings

    return load_settings(os.environ)


def _home() -> Path:
    from octane_flows.config import load_home

    return load_home(os.environ)


def _step(text: str) -> None:
    errors.print(text, style="dim", markup=False)


@contextmanager
def _extract_progress() -> Iterator[Any]:
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


def _say_extract(report: Any) -> None:
    as_of: datetime = report.manifest.as_of
    output.print(
        f"generation   {report.manifest.generation}, as of {as_of:%Y-%m-%d %H:%M:%S} UTC: "
        f"{report.rows:,} entities of {len(report.outcomes)} entity types",
        soft_wrap=True,
    )
    for finding in report.manifest.findings:
        errors.print(f"finding      {finding}", markup=False)


def _say_build(report: Any) -> None:
    failed = [check for check in report.checks if not check.passed]
    output.print(
        f"warehouse    {len(report.tables)} tables, {len(report.models)} models, "
        f"{len(report.checks) - len(failed)} of {len(report.checks)} checks passed",
        soft_wrap=True,
    )
    for check in failed:
        errors.print(f"{check.severity:<12} {check.name}: {check.detail}", markup=False)
    if any(check.severity == "error" for check in failed):
        raise CheckError("A blocking check failed; see above.")


__all__ = ["UsageError", "app", "main"]
