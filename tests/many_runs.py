"""Synthetic automated runs of any number, written straight into a store; for measurements.

In: a store and a count. Out: tests, builds and runs by plain arithmetic, always the same. Called
by benchmarks and by tests of paging and limits, which need an exact number of one type.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from octane_simulator.store.entity_store import Store
from octane_simulator.store.simulated_clock import iso

__all__ = ["load_runs"]

_RUNS_PER_TEST = 10
_RUNS_PER_BUILD = 1000
_CHUNK = 20_000
_END = datetime(2021, 1, 20, 21, tzinfo=UTC)


def load_runs(store: Store, count: int) -> list[str]:
    """Add `count` automated runs, ten to a test, one minute apart back from the demo's end.

    Every seventh run failed. Only the newest run of a test is its last run. Returns the run ids.
    """
    tests = store.insert_many(
        "test_automated",
        (
            {"name": f"generated_{number}", "component": "generated", "package": f"p{number % 50}"}
            for number in range(-(-count // _RUNS_PER_TEST))
        ),
    )
    builds = store.insert_many(
        "ci_build",
        (
            {"name": f"#{n}", "status": "finished"}
            for n in range(1, -(-count // _RUNS_PER_BUILD) + 1)
        ),
    )
    nodes = {
        word: {
            "native_status": {"type": "list_node", "id": f"list_node.run_native_status.{word}"},
            "status": {"type": "list_node", "id": f"list_node.run_status.{word}"},
        }
        for word in ("passed", "failed")
    }
    ids: list[str] = []
    for start in range(0, count, _CHUNK):
        rows: list[dict[str, Any]] = []
        for number in range(start, min(start + _CHUNK, count)):
            moment = iso(_END - timedelta(minutes=count - number))
            test = {"type": "test_automated", "id": tests[number % len(tests)]}
            is_last = number >= count - len(tests)
            rows.append(
                {
                    "name": f"generated_{number % len(tests)}",
                    "test": test,
                    "test_of_last_run": test if is_last else None,
                    "test_name": f"generated_{number % len(tests)}",
                    **nodes["failed" if number % 7 == 0 else "passed"],
                    "build": {"type": "ci_build", "id": builds[number // _RUNS_PER_BUILD]},
                    "started": moment,
                    "creation_time": moment,
                    "last_modified": moment,
                    "duration": number * 37 % 5000,
                }
            )
        ids += store.insert_many("run_automated", rows)
    return ids
