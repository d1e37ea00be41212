"""The command that shows the whole product at work: demo.

A folder in; the flows' answers on standard output, progress on standard error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, errors, output


def demo_folder(home: Path | None) -> Path:
    """The folder of the demo's data: the given one, else OCTANE_HOME, else ./demo."""
    return home or Path(os.environ.get("OCTANE_HOME", "").strip() or "demo").expanduser()


@app.command(epilog="Example: octane-flows demo --home demo")
def demo(
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of the demo's data; without it OCTANE_HOME, or ./demo."),
    ] = None,
) -> None:
    """Do the whole job on real CI results, against a simulated Octane server."""
    from octane_flows import demo_run

    demo_run.run(demo_folder(home), output=output, console=errors)
