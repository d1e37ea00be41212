"""The command that draws tables and their relations: er.

Names of areas, questions or tables in; a diagram on standard output or in a file out.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, errors, open_warehouse
from octane_flows.cli.command_options import AsOf, Destination, Progress, output_format

if TYPE_CHECKING:
    from octane_flows.er_diagrams import Diagram


class DiagramFormat(StrEnum):
    """How a diagram is written."""

    mermaid = "mermaid"
    svg = "svg"
    dbml = "dbml"
    json = "json"


SUFFIXES = {
    ".mmd": (DiagramFormat.mermaid,),
    ".svg": (DiagramFormat.svg,),
    ".dbml": (DiagramFormat.dbml,),
    ".json": (DiagramFormat.json,),
}


@app.command(epilog="Example: octane-flows er defects --format dbml")
def er(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Areas (see docs/er.md), flows, metrics, plans, or tables such as er.runs; "
            "nothing: all tables",
            metavar="[AREA|FLOW|TABLE]...",
        ),
    ] = None,
    format: Annotated[
        DiagramFormat | None,
        typer.Option(
            help="Mermaid text, a picture, DBML text or JSON; without it, the suffix of --output "
            "decides, else Mermaid."
        ),
    ] = None,
    destination: Destination = None,
    as_of: AsOf = None,
    progress: Progress = False,
) -> None:
    """Draw tables and how they refer to one another, with the counts of the warehouse if any."""
    from octane_flows import er_diagrams

    chosen = output_format(format, destination, SUFFIXES, DiagramFormat.mermaid)
    diagram = _counted(er_diagrams.chosen_diagram(names or []), as_of, progress)
    writers = {
        DiagramFormat.mermaid: er_diagrams.mermaid_text,
        DiagramFormat.svg: er_diagrams.svg_picture,
        DiagramFormat.dbml: er_diagrams.dbml_text,
        DiagramFormat.json: er_diagrams.diagram_json,
    }
    text = writers[chosen](diagram)
    if destination is None:
        typer.echo(text.encode("utf-8"), nl=False)
    else:
        from octane_flows.warehouse.file_replacement import replace_file

        replace_file(destination, text.encode("utf-8"))


def _counted(diagram: Diagram, as_of: str | None, progress: bool) -> Diagram:
    """The diagram with counts; without a warehouse it stays as it is, and a note says so."""
    from octane_flows import er_diagrams, warehouse

    path: Path = warehouse.warehouse_path(data_folder())
    if as_of is None and not path.is_file():
        errors.print(f"note         without counts, because there is no warehouse at {path}")
        return diagram
    with open_warehouse(as_of, progress) as connection:
        return er_diagrams.with_counts(diagram, connection)
