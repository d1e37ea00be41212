"""The whole demo: the made-up workspace, then the real CI history in it.

In: a Feeder into an empty workspace. Out: symbolic names to ids, as demo_workspace gives them.
Called by the simulator for its `demo` dataset and by the demo command.
"""

from __future__ import annotations

from collections.abc import Callable

from octane_flows.simulator.datasets import Feeder, ci_history, demo_workspace

__all__ = ["load"]


def load(
    feeder: Feeder,
    *,
    progress: Callable[[int, int], None] | None = None,
    limit: int | None = None,
) -> dict[str, str]:
    """Load both parts; `limit` stops after that many builds. The clock stands at the demo's end."""
    ids = demo_workspace.load(feeder)
    ci_history.load(feeder, demo_workspace.modules_of(ids), progress=progress, limit=limit)
    return ids
