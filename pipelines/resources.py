"""What the assets need from outside: the settings, read when a run starts and not before.

Definitions load without a server and without credentials; a run without them fails with one
sentence.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from octane_flows.config import Settings, load_home, load_lake, load_settings
from octane_flows.lake import Lake, open_lake


class OctaneResource(dg.ConfigurableResource[None]):
    """The settings of OCTANE_* variables and octane-flows.toml."""

    def settings(self) -> Settings:
        """All settings, for steps that talk to the server."""
        return load_settings(os.environ)

    def lake(self) -> Lake:
        """The lake of the settings, a folder or a bucket."""
        return open_lake(self.home(), load_lake(os.environ))

    def home(self) -> Path:
        """The data folder, for steps that need no server."""
        return load_home(os.environ)
