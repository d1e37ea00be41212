"""The command that serves the warehouse over HTTP: serve.

Settings from the environment in; a running web server until it is interrupted.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Annotated

import typer

from octane_flows.cli.command_line import app, data_folder, data_lake, errors


@app.command(epilog="Example: octane-flows serve --port 8020")
def serve(
    host: Annotated[
        str,
        typer.Option(help="Address at which it is served; others than loopback need a sign-in."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 8020,
) -> None:
    """Serve the warehouse to browsers, Excel, Power BI and Tableau, read-only, until Ctrl-C.

    Pages with a form for each question, CSV, JSON and OData v4; with the extra mcp, agents at /mcp.
    Needs the extra serve; docs/serve.md tells of sign-in, https and limits.
    """
    from octane_flows.config import load_serve_place
    from octane_flows.errors import UsageError

    if None in [importlib.util.find_spec(name) for name in ("starlette", "uvicorn")]:
        raise UsageError(
            "Serving the warehouse needs what is not installed here; "
            "install it with: pip install 'octane-flows[serve]'"
        )
    from octane_flows import serve as server

    home = data_folder()
    place = load_serve_place(os.environ)
    mounted = []
    if importlib.util.find_spec("mcp") is not None:
        from octane_flows.agents import AgentTools
        from octane_flows.agents.mcp_over_http import AgentsOverHttp

        agents = AgentsOverHttp(AgentTools(home, data_lake))
        mounted = [server.MountedApplication("/mcp", agents.application, agents.lifespan)]
    server.run(home, place, host=host, port=port, console=errors, mounted=mounted)
