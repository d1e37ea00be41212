"""The command that shows Dagster's pages: ui.

Settings from the environment in; a running web server until it is interrupted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, errors
from octane_flows.cli.demo_command import demo_folder


@app.command(epilog="Example: octane-flows ui --port 3001")
def ui(
    demo: Annotated[
        bool, typer.Option("--demo", help="Show the demo's data, with a simulated server.")
    ] = False,
    home: Annotated[
        Path | None, typer.Option(help="Folder of the demo's data; with --demo only.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address at which the pages are served.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the pages.")] = 3000,
) -> None:
    """Show Dagster's pages for the server of the settings until Ctrl-C; needs the extra dagster.

    Whoever reaches the pages can start every job: there is no sign-in. Leave --host as it is, or
    put a proxy with a sign-in before it.
    """
    from octane_flows import dagster_pages
    from octane_flows.errors import UsageError

    if home is not None and not demo:
        raise UsageError(
            "--home is the folder of the demo; add --demo, or set OCTANE_HOME for your own data."
        )
    if not demo and not os.environ.get("OCTANE_URL"):
        errors.print("For the demo's data, add --demo.", style="dim")
    folder = demo_folder(home) if demo else None
    code = dagster_pages.run(demo_home=folder, host=host, port=port, console=errors)
    raise typer.Exit(code)
