"""The commands that look into the warehouse's tables: query, show.

SQL or the name of a table in; rows on standard output or in a file out.
"""

from __future__ import annotations

from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_lake, open_warehouse, output
from octane_flows.cli.command_options import (
    AnswerFormat,
    AsOf,
    Destination,
    Limit,
    NoPager,
    Progress,
    row_output,
)
from octane_flows.cli.question_help import print_question, question_shown
from octane_flows.cli.terminal_pager import paged

COLUMNS = (
    "select column_name as column, data_type as type, comment as meaning from duckdb_columns() "
    "where schema_name = $schema and table_name = $table order by column_index"
)

RELATIONS = (
    "select case when source_table = $table then source_column "
    "else source_table || '.' || source_column end as reference, "
    "target_table || '.' || target_column as refers_to, "
    "array_to_string(rest_fields, ', ') as rest_fields, link_count, dangling_count "
    "from meta.relations where source_table = $table or target_table = $table "
    "order by source_table <> $table, source_table, source_column"
)


@app.command(epilog='Example: octane-flows query "select count(*) as runs from er.runs"')
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over octane.*, er.*, flow.*, meta.*")],
    format: AnswerFormat = None,
    destination: Destination = None,
    limit: Limit = None,
    no_pager: NoPager = False,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Ask the warehouse one select; octane_history.<entity> has every version ever read."""
    from octane_flows import warehouse

    rows = row_output(format, destination, limit, no_pager)
    with open_warehouse(as_of, progress) as connection:
        past = warehouse.history_named_in(sql)
        files = warehouse.attach_history(connection, data_lake(), past) if past else []
        answer = warehouse.restricted_rows(connection, sql, files)
    rows.write(answer, output)


@app.command(epilog="Example: octane-flows show er.application_modules --limit 5")
def show(
    table: Annotated[
        str,
        typer.Argument(help="Schema and name, such as octane.defect, or a question's name."),
    ],
    limit: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 20,
    no_pager: NoPager = False,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Show what a table, flow, metric or plan has: meanings, relations or parameters, first rows.

    A table has columns, relations and rows; a question has parameters and columns and is shown
    without a warehouse.
    """
    from octane_flows import warehouse
    from octane_flows.questions.answer_formats import print_meanings, print_rows

    if question := question_shown(table):
        with paged(output, is_wanted=not no_pager):
            print_question(question)
        return
    with (
        open_warehouse(as_of, progress) as connection,
        paged(output, is_wanted=not no_pager),
    ):
        rows = warehouse.table_relation(connection, table)
        schema, _, name = table.partition(".")
        columns = connection.sql(COLUMNS, params={"schema": schema, "table": name})
        print_meanings(output, columns.to_arrow_table(), title=table)
        relations = connection.execute(RELATIONS, {"table": table}).fetchall()
        if relations:
            output.print(f"relations of {table}\n")
        for reference, refers_to, *origin in relations:
            text = f" {reference} -> {refers_to}  ({_origin(*origin)})"
            output.print(text, soft_wrap=True)
        print_rows(output, rows.limit(limit).to_arrow_table())


def _origin(fields: str | None, links: int | None, dangling: int | None) -> str:
    """The fields that a relation comes from and how many rows have it; None: it is unknown."""
    counts = "not counted"
    if links is not None:
        counts = f"{links:,} {'link' if links == 1 else 'links'}, {dangling or 0:,} lead nowhere"
    return f"{fields}: {counts}" if fields else counts
