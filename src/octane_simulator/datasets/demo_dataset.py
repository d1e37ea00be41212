"""The whole demo: the made-up workspace and the real CI history, in one order of time.

In: a Feeder into an empty workspace. Out: symbolic names to ids, as demo_workspace gives them.
Called by the simulator for its `demo` dataset and by the demo command.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from octane_simulator.datasets import Event, Feeder, ci_history, demo_workspace

__all__ = ["LOOKS", "load"]

#: Moments of the second release for `look`, two weeks apart; items move in between.
LOOKS = tuple(datetime(2020, 12, 1, 12, tzinfo=UTC) + timedelta(weeks=2 * n) for n in range(-4, 3))


def load(
    feeder: Feeder,
    *,
    progress: Callable[[int, int], None] | None = None,
    limit: int | None = None,
    look: Callable[[], None] | None = None,
) -> dict[str, str]:
    """Load both parts; the clock stands at the demo's end.

    `limit` stops the CI history after that many builds; `look` is called at each of `LOOKS`.
    """
    ids, story = demo_workspace.begin(feeder)
    halts: list[Event] = [(moment, look) for moment in LOOKS] if look is not None else []
    events = sorted([*story, *halts], key=itemgetter(0))
    modules = demo_workspace.modules_of(ids)
    ci_history.load(feeder, modules, progress=progress, limit=limit, meanwhile=events)
    return ids
