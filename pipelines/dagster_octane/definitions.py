"""What Dagster loads: `dagster dev -m dagster_octane.definitions`.

The process of each run loads this module again. A step therefore imports what it alone needs, such
as the extract or the plots, when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from dagster_octane import action_jobs, letter_jobs, schedules, warehouse_jobs, workspace_jobs
from dagster_octane.asset_metadata import data_source
from dagster_octane.cleanup_job import cleanup
from dagster_octane.extract_assets import extract
from dagster_octane.parity_checks import verify_flows
from dagster_octane.resources import OctaneResource
from dagster_octane.warehouse_assets import EXTRACTED_TABLES, build_warehouse, report


def octane_definitions(chosen_hours: Mapping[str, str] | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors.

    `chosen_hours` has cron lines by the names of schedules: those are on, the others off.
    """
    source = data_source()
    hours = chosen_hours or {}
    running = dg.DefaultScheduleStatus.RUNNING
    return dg.Definitions(
        assets=dg.map_asset_specs(
            lambda spec: spec.merge_attributes(metadata=source),
            [extract, *EXTRACTED_TABLES, build_warehouse, report],
        ),
        asset_checks=[verify_flows],
        jobs=[
            warehouse_jobs.refresh,
            warehouse_jobs.update,
            warehouse_jobs.build,
            workspace_jobs.extract_workspace,
            cleanup,
            *letter_jobs.JOBS,
            *action_jobs.JOBS,
        ],
        schedules=[
            schedules.SCHEDULED[schedule.name].at(hours[schedule.name], running)
            if schedule.name in hours
            else schedule
            for schedule in (*schedules.SCHEDULES, *workspace_jobs.SCHEDULES)
        ],
        sensors=[*schedules.SENSORS, *workspace_jobs.SENSORS, *letter_jobs.SENSORS],
        resources={"octane": OctaneResource()},
        executor=dg.in_process_executor,
    )


definitions = octane_definitions()
