"""`octane-flows doctor`: what stands between the user and a first extract, one line each.

The environment in, lines on the console out; stops at the first thing that makes the rest moot.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from octane_flows.config import Settings, load_settings
from octane_flows.errors import OctaneFlowsError
from octane_flows.octane import Octane

LOW_SPACE_BYTES = 1 << 30  # a gigabyte: about a million runs with room for the next generation


def examine(environ: Mapping[str, str], console: Console) -> bool:
    """Print the findings; True when all is well."""

    def check(name: str, step: Callable[[], str]) -> bool:
        try:
            console.print(f"ok      {name:<12} {step()}", markup=False, soft_wrap=True)
        except (OctaneFlowsError, OSError) as error:
            console.print(f"failed  {name:<12} {error}", markup=False, soft_wrap=True)
            return False
        return True

    found: list[Settings] = []

    def settings_step() -> str:
        found.append(load_settings(environ))
        return f"{found[0].url}, shared space {found[0].shared_space}"

    if not check("settings", settings_step):
        return False
    settings = found[0]
    folder_is_fine = check("data folder", lambda: _folder(settings.home))
    with Octane(settings) as octane:
        if not check("server", lambda: f"version {octane.version()}, signed in"):
            return False
        return check("workspaces", lambda: _workspaces(octane, settings)) and folder_is_fine


def _folder(home: Path) -> str:
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=home) as probe:
        probe.write(b"0")
        os.fsync(probe.fileno())
    free = shutil.disk_usage(home).free
    low = ", less than a large extract may need" if free < LOW_SPACE_BYTES else ""
    return f"{home.resolve()}, {free / 1e9:.1f} GB free{low}"


def _workspaces(octane: Octane, settings: Settings) -> str:
    wanted = settings.workspaces
    if wanted is None:
        wanted = tuple(one.id for one in octane.workspaces())
    told = []
    for one in wanted:
        metadata = octane.workspace(one).metadata()
        told.append(f"{one} ({len(metadata.entity_types)} entity types)")
    return ", ".join(told) or "none is readable: ask for a role in one"
