"""The whole demo: the made-up workspace and the real CI history, in one order of time.

In: a Feeder into an empty workspace. Out: symbolic names to ids, as demo_workspace gives them.
Called by the simulator for its `demo` dataset and by the demo command.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter

from octane_flows.simulator.datasets import Event, Feeder, ci_history, demo_workspace

__all__ = ["MIDWAY", "load"]

#: A day in the middle of the story, to look back to.
MIDWAY = datetime(2020, 12, 1, 12, tzinfo=UTC)


def load(
    feeder: Feeder,
    *,
    progress: Callable[[int, int], None] | None = None,
    limit: int | None = None,
    midway: Callable[[], None] | None = None,
) -> dict[str, str]:
    """Load both parts; the clock stands at the demo's end.

    `limit` stops the CI history after that many builds; `midway` is called at `MIDWAY`.
    """
    ids, story = demo_workspace.begin(feeder)
    halt: list[Event] = [(MIDWAY, midway)] if midway is not None else []
    events = sorted([*story, *halt], key=itemgetter(0))
    modules = demo_workspace.modules_of(ids)
    ci_history.load(feeder, modules, progress=progress, limit=limit, meanwhile=events)
    return ids
