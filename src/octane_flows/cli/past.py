"""Commands about the lake's past: generations, history.

Arguments in; rows on standard output or in a file out.
"""

from __future__ import annotations

from typing import Annotated

import typer

from octane_flows.cli.frame import Destination, Format, Style, app, data_folder, data_lake, output


@app.command(epilog="Example: octane-flows generations")
def generations(style: Style = Format.table, destination: Destination = None) -> None:
    """List the generations that --as-of can go back to."""
    import pyarrow as pa

    from octane_flows.answers import write_answer

    kept = data_lake().kept()
    rows = {
        "generation": pa.array([one.generation for one in kept], pa.int64()),
        "as_of": pa.array([one.as_of.replace(tzinfo=None) for one in kept], pa.timestamp("us")),
    }
    write_answer(pa.table(rows), style.value, destination, output)


@app.command(epilog="Example: octane-flows history release --format csv")
def history(
    entity: Annotated[str, typer.Argument(help="Entity type or link table, such as defect")],
    id: Annotated[str | None, typer.Argument(help="One entity; none: all.")] = None,
    style: Style = Format.table,
    destination: Destination = None,
) -> None:
    """Show every version of an entity that was ever read, with the time it was the newest."""
    from octane_flows import warehouse
    from octane_flows.answers import write_answer

    answer = warehouse.history(data_folder(), entity, id, lake=data_lake())
    write_answer(answer, style.value, destination, output)
