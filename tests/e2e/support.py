"""What end-to-end tests share besides fixtures."""

from __future__ import annotations

from pathlib import Path

from octane_flows.simulator.server import Running


def environment_of(server: Running, home: Path) -> dict[str, str]:
    """The OCTANE_* variables that lead to a simulated server."""
    return {
        "OCTANE_URL": server.url,
        "OCTANE_CLIENT_ID": server.client_id,
        "OCTANE_CLIENT_SECRET": server.client_secret,
        "OCTANE_SHARED_SPACE": server.shared_space,
        "OCTANE_WORKSPACES": server.workspace,
        "OCTANE_HOME": str(home),
    }
