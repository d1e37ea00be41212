"""The command that shows the whole product at work: demo.

A folder in; the flows' answers on standard output, progress on standard error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, errors, output


@app.command(epilog="Example: octane-flows demo --home demo")
def demo(
    home: Annotated[Path, typer.Option(help="Folder of the demo's data.")] = Path("demo"),
) -> None:
    """Do the whole job on real CI results, against a simulated Octane server."""
    from octane_flows import demo_run

    demo_run.run(home, output=output, console=errors)
