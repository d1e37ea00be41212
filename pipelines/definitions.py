"""What Dagster loads: `dagster dev -m pipelines.definitions`.

The process of every run loads it anew, so what one step alone needs, such as the client or the
plots, is imported in that step.
"""

from __future__ import annotations

import dagster as dg

from pipelines import actions, jobs, schedules, workspaces
from pipelines.extraction import extract
from pipelines.proof import verify_flows
from pipelines.resources import OctaneResource
from pipelines.tables import build_warehouse, report
from pipelines.upkeep import upkeep

definitions = dg.Definitions(
    assets=[extract, build_warehouse, report],
    asset_checks=[verify_flows],
    jobs=[
        jobs.refresh,
        jobs.update,
        jobs.build,
        workspaces.extract_workspace,
        upkeep,
        *actions.JOBS,
    ],
    schedules=[*schedules.SCHEDULES, *workspaces.SCHEDULES],
    sensors=[*schedules.SENSORS, *workspaces.SENSORS],
    resources={"octane": OctaneResource()},
    executor=dg.in_process_executor,
)
