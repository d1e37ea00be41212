"""What Dagster loads: `dagster dev -m dagster_octane.definitions`.

The process of each run loads this module again. A step therefore imports what it alone needs, such
as the extract or the plots, when it runs.
"""

from __future__ import annotations

import dagster as dg

from dagster_octane import action_jobs, schedules, warehouse_jobs, workspace_jobs
from dagster_octane.cleanup_job import cleanup
from dagster_octane.extract_assets import extract
from dagster_octane.parity_checks import verify_flows
from dagster_octane.resources import OctaneResource
from dagster_octane.warehouse_assets import EXTRACTED_TABLES, build_warehouse, report

definitions = dg.Definitions(
    assets=[extract, *EXTRACTED_TABLES, build_warehouse, report],
    asset_checks=[verify_flows],
    jobs=[
        warehouse_jobs.refresh,
        warehouse_jobs.update,
        warehouse_jobs.build,
        workspace_jobs.extract_workspace,
        cleanup,
        *action_jobs.JOBS,
    ],
    schedules=[*schedules.SCHEDULES, *workspace_jobs.SCHEDULES],
    sensors=[*schedules.SENSORS, *workspace_jobs.SENSORS],
    resources={"octane": OctaneResource()},
    executor=dg.in_process_executor,
)
