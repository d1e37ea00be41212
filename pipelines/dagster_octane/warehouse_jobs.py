"""The jobs that bring the warehouse up to date.

Assets and checks in, jobs out; schedules, the sensor, the demo and people start them. Each job is
one process, because a process for each step costs more than the steps.
"""

from __future__ import annotations

import dagster as dg

from dagster_octane.extract_assets import extract
from dagster_octane.parity_checks import verify_flows
from dagster_octane.resources import GROUP_TAG

WITHOUT_PARITY = dg.AssetSelection.all() - dg.AssetSelection.checks(verify_flows)

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    tags={GROUP_TAG: "keep current"},
    description="Extract, warehouse, checks, comparison of flows with the live server, report.",
)
update = dg.define_asset_job(
    "update",
    selection=WITHOUT_PARITY,
    executor_def=dg.in_process_executor,
    tags={GROUP_TAG: "keep current"},
    description="Extract, warehouse, checks, report.",
)
build = dg.define_asset_job(
    "build",
    selection=WITHOUT_PARITY - dg.AssetSelection.assets(extract),
    executor_def=dg.in_process_executor,
    tags={GROUP_TAG: "keep current"},
    description="Warehouse, checks, report from the lake as it is; sends no request to the server.",
)
