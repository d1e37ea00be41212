"""The command that lets an agent ask the warehouse: mcp.

The Model Context Protocol on standard input and output, until the agent closes them.
"""

from __future__ import annotations

import importlib.util

from octane_flows.cli.command_line import app, data_folder, data_lake


@app.command(epilog="Example: octane-flows mcp (an agent's settings name this command)")
def mcp() -> None:
    """Let an agent ask the warehouse by the Model Context Protocol; needs the extra mcp.

    It speaks on standard input and output. Its tools only read: plan shows what a flow would send,
    and nothing sends it.
    """
    from octane_flows.errors import UsageError

    if importlib.util.find_spec("mcp") is None:
        raise UsageError(
            "Agents need the SDK of the Model Context Protocol; install it with "
            "pip install 'octane-flows[mcp]'."
        )
    from octane_flows import warehouse
    from octane_flows.agents import AgentTools
    from octane_flows.agents.mcp_server import serve_stdio

    home = data_folder()
    warehouse.connect(home).close()  # no warehouse: a sentence now, and not at the first question
    serve_stdio(AgentTools(home, data_lake))
