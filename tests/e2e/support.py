"""What end-to-end tests share besides fixtures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
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


def octane_flows(
    *arguments: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the command line with these settings and none of the caller's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OCTANE_")}
    return subprocess.run(
        [sys.executable, "-m", "octane_flows", *arguments],
        env={**clean, **environment, "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=400,  # the demo on a busy machine
        check=False,
    )
