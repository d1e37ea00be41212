"""What Dagster loads: `dagster dev -m pipelines.definitions`."""

from __future__ import annotations

import dagster as dg

from pipelines.assets import build_warehouse, extract, report
from pipelines.proof import verify_flows
from pipelines.resources import OctaneResource

#: One process for the whole job: a process per step would cost more than the steps.
refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Extract, warehouse, checks, proof against the live server, report.",
)

#: Off until someone switches it on: the server's administrators may want a say in the hour.
nightly = dg.ScheduleDefinition(
    name="nightly",
    job=refresh,
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)

definitions = dg.Definitions(
    assets=[extract, build_warehouse, report],
    asset_checks=[verify_flows],
    jobs=[refresh],
    schedules=[nightly],
    resources={"octane": OctaneResource()},
)
