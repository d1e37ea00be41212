"""Dagster and only Dagster: the steps of the command line as assets, checks, jobs and schedules.

`dagster dev -m dagster_octane.definitions` loads it; in a `dg` project, `OctaneComponent` does.
Needs the extra `dagster`.
"""

from dagster_octane.octane_component import OctaneComponent

__all__ = ["OctaneComponent"]
