"""The CI server, pipelines and builds of a generated workspace.

In: a World. Out: for each release and environment the builds in order of time, some of which broke
many tests at once. Called by automated_runs.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from octane_simulator.datasets.dataset_references import node_of
from octane_simulator.datasets.generated.generated_world import Ref, World
from octane_simulator.store.simulated_clock import iso

__all__ = ["Build", "add_builds"]

_BAD_SHARE = 0.07


@dataclass(frozen=True)
class Build:
    """A build with what its results and previous runs name."""

    ref: Ref
    name: str
    job: str
    start: datetime
    reported: str  # when its results came in
    result: str
    bad: bool  # a burst: the environment itself was broken
    pipeline: Ref
    pipeline_run: Ref


def add_builds(world: World) -> dict[tuple[int, int], list[Build]]:
    """One pipeline for each environment; builds by position of release and of environment."""
    (server,) = world.add(
        "ci_server",
        [{"name": "Generated CI", "instance_id": "generated-ci", "server_type": "jenkins",
          "url": "http://ci.example.invalid", "is_connected": True, **world.stamps(world.start)}],
    )  # fmt: skip
    builds: dict[tuple[int, int], list[Build]] = {}
    for environment, tags in enumerate(world.environments):
        job = f"nightly-{environment + 1}"
        (pipeline,) = world.add(
            "pipeline",
            [
                {
                    "name": f"Nightly {environment + 1}",
                    "ci_server": server,
                    "root_job_ci_id": job,
                    "server_ci_id": "generated-ci",
                    "jobs": [{"name": job, "jobCiId": job}],
                    "current_release": world.releases[-1].ref,
                    "user_tags": tags[:0],
                    **world.stamps(world.start),
                }
            ],
        )
        (step,) = world.add("pipeline_node", [{"pipeline": pipeline, **world.stamps(world.start)}])
        for number in range(len(world.releases)):
            builds[number, environment] = _series(world, number, environment, job, pipeline, step)
    return builds


def _series(world: World, number: int, at: int, job: str, pipeline: Ref, step: Ref) -> list[Build]:
    release, dice = world.releases[number], world.dice(f"builds {number}/{at}")
    count = 4 if world.runs < 5_000 else 40
    moments = [world.moment(dice, release.start, release.end) for _ in range(count)]
    # A busy day: every fourth build is of one day.
    busy = moments[0].replace(hour=0, minute=0)
    for position in range(1, count, 4):
        moments[position] = min(busy + timedelta(minutes=dice.randint(0, 1439)), world.end)
    if number == len(world.releases) - 1:
        moments[-1] = world.end - timedelta(hours=2 + at)
        moments[-2] = world.end - timedelta(hours=20 + at)
    moments.sort()
    bad = [dice.random() < _BAD_SHARE for _ in moments]
    results = [dice.choice(("failure", "unstable")) if is_bad else "unstable" for is_bad in bad]
    minutes = [dice.randint(4, 90) for _ in moments]
    ends = [start + timedelta(minutes=more) for start, more in zip(moments, minutes, strict=True)]
    stamps = [world.stamps(end) for end in ends]
    milliseconds = [round(start.timestamp() * 1000) for start in moments]
    runs = world.add(
        "pipeline_run",
        [
            {"name": str(position + 1), "pipeline": pipeline, "release": release.ref,
             "status": node_of("pipeline_run_status", results[position]),
             "start_time": milliseconds[position], "duration": minutes[position] * 60_000,
             **stamps[position]}
            for position in range(count)
        ],
    )  # fmt: skip
    names = [f"#{number + 1}.{position + 1}" for position in range(count)]
    builds = world.add(
        "ci_build",
        [
            {"name": names[position], "status": "finished", "result": results[position],
             "start_time": milliseconds[position], "duration": minutes[position] * 60_000,
             "pipeline_node": [step], "pipeline_run": [runs[position]], **stamps[position]}
            for position in range(count)
        ],
    )  # fmt: skip
    return [
        Build(builds[p], names[p], job, moments[p], iso(min(ends[p], world.end)), results[p],
              bad[p], pipeline, runs[p])
        for p in range(count)
    ]  # fmt: skip
