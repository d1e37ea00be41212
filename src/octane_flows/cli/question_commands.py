"""Commands that answer from the warehouse: flows, flow, metrics, metric, query, show, report.

Arguments in; rows on standard output or in a file out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from octane_flows.cli.command_line import (
    Answerer,
    AsOf,
    Destination,
    Engine,
    Format,
    Master,
    Style,
    app,
    data_folder,
    data_lake,
    duckdb_alone,
    errors,
    on_spark,
    open_warehouse,
    output,
    spark_session,
)

if TYPE_CHECKING:
    from octane_flows.questions import Metric

Parameters = Annotated[
    list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter; repeatable.")
]


@app.command(epilog="Example: octane-flows flows --json")
def flows(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the flows with their parameters."""
    from octane_flows.questions.answer_formats import print_flows

    print_flows(output, as_json=as_json)


@app.command(
    epilog="Example: octane-flows flow modules_with_recent_failures --param hours=72 --format csv"
)
def flow(
    slug: Annotated[str, typer.Argument(help="The flow's name, see: octane-flows flows")],
    param: Parameters = None,
    style: Style = Format.table,
    destination: Destination = None,
    engine: Answerer = Engine.duckdb,
    master: Master = None,
) -> None:
    """Answer one flow from the warehouse, or from what Spark built."""
    from octane_flows.questions import flow_named

    _answer(flow_named(slug), param, style, destination, engine, master)


@app.command(epilog="Example: octane-flows metrics --json")
def metrics(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the metrics, the questions after the flows, with their parameters."""
    from octane_flows.questions.answer_formats import print_metrics

    print_metrics(output, as_json=as_json)


@app.command(epilog="Example: octane-flows metric flaky_tests --param days=30 --format csv")
def metric(
    slug: Annotated[str, typer.Argument(help="The metric's name, see: octane-flows metrics")],
    param: Parameters = None,
    style: Style = Format.table,
    destination: Destination = None,
    engine: Answerer = Engine.duckdb,
    master: Master = None,
) -> None:
    """Answer one metric from the warehouse, or from what Spark built."""
    from octane_flows.questions import metric_named

    _answer(metric_named(slug), param, style, destination, engine, master)


@app.command(epilog='Example: octane-flows query "select count(*) as runs from er.runs"')
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over octane.*, er.*, flow.*, meta.*")],
    style: Style = Format.table,
    destination: Destination = None,
    as_of: AsOf = None,
) -> None:
    """Ask the warehouse in SQL; octane_history.<entity> has every version ever read."""
    from octane_flows import warehouse
    from octane_flows.questions.answer_formats import write_answer

    with open_warehouse(as_of) as connection:
        if past := warehouse.history_named_in(sql):
            warehouse.attach_history(connection, data_lake(), past)
        answer = warehouse.sql_relation(connection, sql).to_arrow_table()
    write_answer(answer, style.value, destination, output)


@app.command(epilog="Example: octane-flows show er.application_modules --limit 5")
def show(
    table: Annotated[str, typer.Argument(help="Schema and name, such as octane.defect")],
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    as_of: AsOf = None,
) -> None:
    """Show a table's columns with their meanings, and its first rows."""
    from octane_flows.questions.answer_formats import show_table

    with open_warehouse(as_of) as connection:
        show_table(connection, table, limit, output)


class ReportFormat(StrEnum):
    """How the report is written."""

    html = "html"
    excel = "excel"
    csv = "csv"


@app.command(epilog="Example: octane-flows report --format excel")
def report(
    style: Annotated[
        ReportFormat, typer.Option("--format", help="A page, a workbook, or a folder of files.")
    ] = ReportFormat.html,
) -> None:
    """Write the answers of all flows and metrics into the data folder."""
    from octane_flows import reports

    writers = {
        ReportFormat.html: reports.write,
        ReportFormat.excel: reports.write_excel,
        ReportFormat.csv: reports.write_csv,
    }
    output.print(str(writers[style](data_folder())), soft_wrap=True)


def _answer(
    asked: Metric,
    param: list[str] | None,
    style: Format,
    destination: Path | None,
    engine: Engine,
    master: str | None,
) -> None:
    from octane_flows import warehouse
    from octane_flows.questions import missing_of, run_query
    from octane_flows.questions.answer_formats import parse_parameters, write_answer

    parameters = parse_parameters(param or [])
    if engine is Engine.spark:
        write_answer(_of_spark(asked, parameters, master), style.value, destination, output)
        return
    duckdb_alone(master)
    with warehouse.connect(data_folder()) as connection:
        answer = run_query(connection, asked, parameters)
        missing = missing_of(connection, asked)
    if missing:
        errors.print(f"finding      {missing}")
    write_answer(answer, style.value, destination, output)


def _of_spark(asked: Metric, parameters: Mapping[str, str | None], master: str | None) -> Any:
    """The rows of a flow or metric from the files that Spark built."""
    from octane_flows import questions

    spark = on_spark()
    built = spark.read_published(data_folder())
    values = questions.parse_parameters(asked, parameters)
    with spark_session(master) as session:
        answer = spark.answer(session, built, asked.name, values)
    if built.of(asked.name).status == "partial":
        reason = built.of(asked.name).reason
        errors.print(f"finding      the answer of {asked.slug} is partial: {reason}")
    return answer
