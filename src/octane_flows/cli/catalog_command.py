"""The command that writes what the warehouse holds for other programs: catalog.

A format in; text on standard output or in a file out.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, open_warehouse
from octane_flows.cli.command_options import AsOf, Destination


class CatalogFormat(StrEnum):
    """For whom a catalogue is written."""

    dbt = "dbt"
    osi = "osi"
    json = "json"


@app.command(epilog="Example: octane-flows catalog --format dbt --output models/octane.yml")
def catalog(
    format: Annotated[
        CatalogFormat,
        typer.Option(
            help="dbt: sources with tests, osi: a semantic model of the Open Semantic Interchange, "
            "json: everything."
        ),
    ] = CatalogFormat.json,
    database: Annotated[
        str,
        typer.Option(help="Name under which dbt or the semantic layer attaches the warehouse."),
    ] = "warehouse",
    destination: Destination = None,
    as_of: AsOf = None,
) -> None:
    """Write what the warehouse holds for dbt, for semantic layers or as JSON.

    Tables and columns with their meanings and types, relations, questions with their parameters.
    """
    from octane_flows import catalog as catalogues
    from octane_flows.errors import UsageError

    if not re.fullmatch(r"[A-Za-z_]\w*", database):
        raise UsageError(
            f"--database is '{database}'; write a name of letters, digits and underscores, such as "
            "warehouse."
        )
    with open_warehouse(as_of) as connection:
        content = catalogues.read_catalog(connection)
    match format:
        case CatalogFormat.dbt:
            text = catalogues.dbt_sources(content, database)
        case CatalogFormat.osi:
            text = catalogues.semantic_model(content, database)
        case CatalogFormat.json:
            text = catalogues.catalog_json(content)
    if destination is None:
        typer.echo(text.encode("utf-8"), nl=False)
    else:
        from octane_flows.warehouse.file_replacement import replace_file

        replace_file(destination, text.encode("utf-8"))
