"""Commands that answer from the warehouse: flows, flow, query, show, report.

Arguments in; rows on standard output or in a file out.
"""

from __future__ import annotations

from typing import Annotated

import typer

from octane_flows.cli.frame import Destination, Format, Style, app, data_folder, errors, output


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
    style: Style = Format.table,
    destination: Destination = None,
) -> None:
    """Answer one flow from the warehouse."""
    from octane_flows import warehouse
    from octane_flows.answers import parse_parameters, write_answer
    from octane_flows.flows import flow_named, missing_of, run_flow

    flow_named(slug)
    parameters = parse_parameters(param or [])
    with warehouse.connect(data_folder()) as connection:
        answer = run_flow(connection, slug, parameters)
        missing = missing_of(connection, slug)
    if missing:
        errors.print(f"finding      {missing}", markup=False)
    write_answer(answer, style.value, destination, output)


@app.command(epilog='Example: octane-flows query "select count(*) as runs from er.runs"')
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over octane.*, er.*, flow.*, meta.*")],
    style: Style = Format.table,
    destination: Destination = None,
) -> None:
    """Ask the warehouse in SQL; it is opened read-only."""
    from octane_flows import warehouse
    from octane_flows.answers import run_sql, write_answer

    with warehouse.connect(data_folder()) as connection:
        answer = run_sql(connection, sql)
    write_answer(answer, style.value, destination, output)


@app.command(epilog="Example: octane-flows show er.application_modules --limit 5")
def show(
    table: Annotated[str, typer.Argument(help="Schema and name, such as octane.defect")],
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
) -> None:
    """Show a table's columns with their meanings, and its first rows."""
    from octane_flows import warehouse
    from octane_flows.answers import show_table

    with warehouse.connect(data_folder()) as connection:
        show_table(connection, table, limit, output)


@app.command(epilog="Example: octane-flows report")
def report() -> None:
    """Write the HTML report of the flows' answers."""
    from octane_flows import reports

    output.print(str(reports.write(data_folder())), soft_wrap=True)
